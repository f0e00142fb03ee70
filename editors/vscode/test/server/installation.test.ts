import * as assert from 'node:assert/strict';
import { access, mkdir, readFile, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import { type Installation, installedServer } from '../../src/server/environment';
import { withCrossWindowLock } from '../../src/server/crossWindowLock';
import { activated, eventually, executable, failing, replacing } from '../support';

describe('the lock between windows', () => {
  it('is waited for as long as the work takes, and not after a window was killed', async () => {
    const file = path.join(os.homedir(), 'lock');
    const patience = { look: 20, touch: 100, left: 1_000 };
    const done: string[] = [];
    const work = (name: string, ms: number): Promise<void> =>
      withCrossWindowLock(file, () => undefined, async () => {
        await setTimeout(ms);
        done.push(name);
      }, patience);
    const long = work('long', 3_000);
    await eventually(() => access(file).then(() => true, () => false));
    await Promise.all([long, work('short', 0)]);
    assert.deepEqual(done, ['long', 'short']);
    await writeFile(file, '');
    await work('after a window was killed', 0);
    await assert.rejects(access(file));
  });
});

/** Notes what a progress notification says, and shows none. */
function noting(said: string[]): typeof vscode.window.withProgress {
  const progress = { report: ({ message }: { message?: string }) => said.push(message ?? '') };
  return async (_, task) => task(progress, new vscode.CancellationTokenSource().token);
}

describe('the private environment', () => {
  const installation = async (name: string, wheel = name): Promise<Installation> => {
    const { locations } = await activated();
    const directory = path.join(os.homedir(), 'environment', name);
    const wheels = path.join(directory, 'wheels');
    await mkdir(wheels, { recursive: true });
    await writeFile(path.join(wheels, 'claude_agent_lsp-1-py3-none-any.whl'), wheel);
    await writeFile(path.join(wheels, 'server.txt'), 'pygls==2.1.1 --hash=sha256:00\n');
    return { wheels, storage: path.join(directory, 'storage'), log: locations.services.log };
  };
  const daysAgo = (days: number): Date => new Date(Date.now() - days * 24 * 60 * 60 * 1000);
  const environmentOf = (server: string): string => path.dirname(path.dirname(server));
  // Stands in for a Python: makes the environment, and notes what pip is asked for.
  const python = `
case "$1 $2" in
  "-c "*) echo 3.12 ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip")
    shift 2
    echo "$@" >> "$HOME/pip"
    echo "#!$0" > "$(dirname "$0")/claude-agent-lsp"
    chmod +x "$(dirname "$0")/claude-agent-lsp" ;;
  *"/claude-agent-lsp --version") echo 1 ;;
esac`;
  const timesInstalled = async ({ wheels }: Installation): Promise<number> => {
    const asked = await readFile(path.join(os.homedir(), 'pip'), 'utf8');
    return asked.split('\n').filter((line) => line.includes(path.join(wheels, 'claude'))).length;
  };

  it('is made once for a wheel', async () => {
    const interpreter = await executable('python-fake', python);
    const place = await installation('once');
    const first = await installedServer(place, interpreter);
    assert.match(first, /server-[0-9a-f]{12}-\w{6}\/bin\/claude-agent-lsp$/);
    assert.equal(await installedServer(place, '/nowhere/python3'), first);
    assert.equal(await timesInstalled(place), 1);
  });

  it('takes the versions that were tested, by their hashes, and nothing else', async () => {
    const interpreter = await executable('python-fake', python);
    const place = await installation('hashes');
    await installedServer(place, interpreter);
    const asked = await readFile(path.join(os.homedir(), 'pip'), 'utf8');
    const [first, second, ...more] = asked.split('\n').filter((line) => line.includes(place.wheels));
    assert.match(first ?? '', /--require-hashes -r \S+server\.txt$/);
    assert.match(second ?? '', /--no-deps --no-index \S+\.whl$/);
    assert.deepEqual(more, []);
  });

  it('is made once for windows that start together: the others wait, and say so', async () => {
    const slow = await executable('python-slow', `[ "$2" != pip ] || sleep 1\n${python}`);
    const place = await installation('together');
    const first = installedServer(place, slow);
    await eventually(async () => (await readdir(place.storage).catch(() => [])).length > 0);
    const said: string[] = [];
    await replacing(vscode.window, 'withProgress', noting(said), async () => {
      const others = [installedServer(place, slow), installedServer(place, slow)];
      assert.deepEqual(await Promise.all([first, ...others]), Array(3).fill(await first));
    });
    assert.equal(await timesInstalled(place), 1);
    assert.deepEqual([...new Set(said)], ['waiting for another window to install the server…']);
  });

  it('is made although a window was killed while it made one, and takes nothing of it', async () => {
    const interpreter = await executable('python-fake', python);
    const place = await installation('killed');
    const half = environmentOf(await installedServer(place, interpreter));
    await rm(path.join(half, 'ready'));
    const lock = half.replace(/-\w{6}$/, '.lock');
    await writeFile(lock, '');
    await utimes(lock, new Date(), new Date(Date.now() - 60_000));
    assert.notEqual(environmentOf(await installedServer(place, interpreter)), half);
    await assert.rejects(access(lock));
  });

  it('is made anew when it does not start any more, as without the Python that it was made with', async () => {
    const interpreter = await executable('python-fake', python);
    const place = await installation('dead');
    const dead = await installedServer(place, interpreter);
    const link = path.join(environmentOf(dead), 'bin', 'python');
    await rm(link);
    await symlink('/nowhere/python3', link);
    const made = await installedServer(place, interpreter);
    assert.notEqual(made, dead);
    assert.equal(await installedServer(place, '/nowhere/python3'), made);
  });

  it('is made anew for another wheel, and the old one stays while a window may use it', async () => {
    const interpreter = await executable('python-fake', python);
    const first = await installation('another', 'first');
    const before = await installedServer(first, interpreter);
    const used = path.join(environmentOf(before), 'ready');
    await utimes(used, new Date(), daysAgo(31));
    assert.equal(await installedServer(first, interpreter), before);
    const half = path.join(first.storage, 'server-0123456789ab-half');
    await mkdir(half);
    await utimes(half, new Date(), daysAgo(2));
    const second = await installation('another', 'second');
    const after = await installedServer(second, interpreter);
    const left = async (): Promise<string> => (await readdir(first.storage)).sort().join();
    const both = [before, after].map((each) => path.basename(environmentOf(each))).sort().join();
    await eventually(async () => (await left()) === both);
    await utimes(used, new Date(), daysAgo(31));
    assert.equal(await installedServer(second, interpreter), after);
    await eventually(async () => (await left()) === path.basename(environmentOf(after)));
  });

  it('that fails says so, and can be tried again', async () => {
    const broken = 'case "$1" in -c) echo 3.12 ;; *) echo "no space left" >&2; exit 1 ;; esac';
    const interpreter = await executable('python-broken', broken);
    const place = await installation('failing');
    const failure = await failing(installedServer(place, interpreter));
    assert.equal(failure.reason, 'installationFailed');
    assert.match(failure.message, /no space left/);
    assert.deepEqual(failure.remedies, ['tryAgain', 'showOutput', 'choosePython']);
    assert.deepEqual(await readdir(place.storage), []);
  });
});
