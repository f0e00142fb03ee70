import * as assert from 'node:assert/strict';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { installedServer } from '../src/server/environment';
import { ServerFailure } from '../src/server/failure';
import { findPython } from '../src/server/python';
import { activated, executable, replacing } from './support';

async function failing(during: Promise<unknown>): Promise<ServerFailure> {
  const error: unknown = await during.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ServerFailure, String(error));
  return error;
}

/** The Python extension, as far as it is asked for what the user has selected. */
function pythonExtension(selected: string): unknown {
  const environments = {
    getActiveEnvironmentPath: () => ({ path: selected }),
    resolveEnvironment: () => Promise.resolve({ executable: { uri: vscode.Uri.file(selected) } }),
  };
  return { activate: () => Promise.resolve({ environments }) };
}

describe('a Python for the server', () => {
  it('is the one that is configured', async () => {
    const python = await executable('python-new', 'echo 3.12');
    assert.equal(await findPython(python), python);
  });

  it('must be new enough', async () => {
    const python = await executable('python-old', 'echo 3.9');
    const failure = await failing(findPython(python));
    assert.equal(failure.reason, 'pythonTooOld');
    assert.match(failure.message, /3\.9/);
    assert.deepEqual(failure.remedies, ['choosePython', 'installPython']);
  });

  it('must be there', async () => {
    const failure = await failing(findPython('/nowhere/python3'));
    assert.equal(failure.reason, 'pythonMissing');
  });

  it('is that of the Python extension, but in Restricted Mode, where a folder may bring it', async () => {
    const ran = path.join(os.homedir(), 'selected-ran');
    const selected = await executable('python-selected', `touch '${ran}'; echo 3.12`);
    await replacing(vscode.extensions, 'getExtension', () => pythonExtension(selected), async () => {
      await replacing(vscode.workspace, 'isTrusted', false, async () => {
        assert.notEqual(await findPython(undefined).catch(() => undefined), selected);
      });
      await assert.rejects(access(ran));
      assert.equal(await findPython(undefined), selected);
    });
  });
});

describe('the private environment', () => {
  const installation = async (): Promise<Parameters<typeof installedServer>[0]> => {
    const { stage } = await activated();
    const directory = path.join(os.homedir(), 'environment');
    const wheels = path.join(directory, 'wheels');
    await mkdir(wheels, { recursive: true });
    await writeFile(path.join(wheels, 'claude_agent_lsp-1-py3-none-any.whl'), 'wheel');
    return { wheels, storage: path.join(directory, 'storage'), log: stage.desk.log };
  };
  // Stands in for a Python: makes the environment, and notes what pip is asked for.
  const python = `
case "$1 $2" in
  "-c "*) echo 3.12 ;;
  "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip") shift 2; echo "$@" >> "$HOME/pip"; touch "$(dirname "$0")/claude-agent-lsp" ;;
esac`;

  it('is made once for a wheel', async () => {
    const interpreter = await executable('python-fake', python);
    const place = await installation();
    const first = await installedServer(place, interpreter);
    assert.match(first, /server-[0-9a-f]{12}\/bin\/claude-agent-lsp$/);
    assert.equal(await installedServer(place, '/nowhere/python3'), first);
    const asked = await readFile(path.join(os.homedir(), 'pip'), 'utf8');
    assert.equal(asked.match(/claude_agent_lsp-1-py3-none-any\.whl/g)?.length, 1);
  });

  it('is made anew for another wheel, and the old one goes', async () => {
    const interpreter = await executable('python-fake', python);
    const place = await installation();
    const before = await installedServer(place, interpreter);
    const wheel = path.join(place.wheels, 'claude_agent_lsp-1-py3-none-any.whl');
    await writeFile(wheel, 'another');
    const after = await installedServer(place, interpreter);
    assert.notEqual(after, before);
    await assert.rejects(readFile(before));
  });

  it('that fails says so, and can be tried again', async () => {
    const broken = 'case "$1" in -c) echo 3.12 ;; *) echo "no space left" >&2; exit 1 ;; esac';
    const interpreter = await executable('python-broken', broken);
    const place = await installation();
    await writeFile(path.join(place.wheels, 'claude_agent_lsp-1-py3-none-any.whl'), 'third');
    const failure = await failing(installedServer(place, interpreter));
    assert.equal(failure.reason, 'installationFailed');
    assert.match(failure.message, /no space left/);
    assert.deepEqual(failure.remedies, ['tryAgain', 'showOutput', 'choosePython']);
  });
});
