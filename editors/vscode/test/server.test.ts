import * as assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { installedServer } from '../src/server/environment';
import { findPython } from '../src/server/python';
import { ServerFailure } from '../src/server/failure';
import { statusOf } from '../src/status';
import {
  activated,
  answering,
  command,
  eventually,
  folder,
  freshConversation,
  wordsOf,
} from './support';

const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('claudeAgent');

async function executable(name: string, script: string): Promise<string> {
  const directory = path.join(os.homedir(), 'stand-ins');
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

async function failing(during: Promise<unknown>): Promise<ServerFailure> {
  const error: unknown = await during.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ServerFailure, String(error));
  return error;
}

async function kill(): Promise<void> {
  const { stage } = await activated();
  const status = await stage.desk.server.execute('claudeAgent.status', {});
  process.kill(status.server.pid, 'SIGKILL');
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

describe('the server', () => {
  it('that is no server is told, and the button opens the settings', async () => {
    const { stage } = await activated();
    await stage.desk.server.stop();
    const shown = await answering('showErrorMessage', () => undefined, async (messages) => {
      await settings().update('server.path', '/nowhere/x', vscode.ConfigurationTarget.Global);
      await command('restartServer');
      await eventually(() => messages.length > 0);
    });
    assert.match(String(shown[0]?.[0]), /no claude-agent-lsp/);
    assert.equal(shown[0]?.[1], 'Open Settings');
    const { server, conversations, questions } = stage.desk;
    assert.equal(statusOf(server, conversations, questions).kind, 'error');
  });

  it('that is missing lets no conversation be forgotten', async () => {
    const { stage } = await activated();
    const { conversations, server } = stage.desk;
    await settings().update('server.path', undefined, vscode.ConfigurationTarget.Global);
    const conversation = await freshConversation();
    await command('ask', 'remember the code FIG-9');
    const { sessionId } = conversation;
    assert.ok(sessionId);
    await command('newSession');
    const recalled = await answering('showErrorMessage', () => undefined, async (messages) => {
      await settings().update('server.path', '/nowhere/x', vscode.ConfigurationTarget.Global);
      await eventually(() => messages.length > 0);
      const missing = await conversations.recall(sessionId, folder());
      assert.equal(missing.sessionId, sessionId);
      assert.equal(missing.steps[0]?.kind, 'failure');
      await settings().update('server.path', undefined, vscode.ConfigurationTarget.Global);
      await eventually(() => server.state === 'running');
      await eventually(() => missing.messages.some(({ text }) => text.includes('FIG-9')));
      assert.deepEqual(missing.steps, []);
    });
    assert.match(String(recalled[0]?.[0]), /no claude-agent-lsp/);
  });

  it('that never had a session recalls nothing', async () => {
    const { conversations } = (await activated()).stage.desk;
    const gone = await conversations.recall('00000000-0000-4000-8000-000000000000', folder());
    assert.equal(gone.sessionId, undefined);
    assert.deepEqual(gone.steps, []);
  });

  it('that ends at once is told, and is tried again by the button', async () => {
    const { stage } = await activated();
    const path_ = await executable('ends', 'case "$1" in --version) echo 1 ;; *) exit 3 ;; esac');
    await stage.desk.server.stop();
    await settings().update('server.path', path_, vscode.ConfigurationTarget.Global);
    const shown = await answering(
      'showErrorMessage',
      async () => {
        await settings().update('server.path', undefined, vscode.ConfigurationTarget.Global);
        return 'Try Again';
      },
      async () => {
        await command('restartServer');
        await eventually(() => stage.desk.server.state === 'running');
      },
    );
    assert.match(String(shown[0]?.[0]), /did not start/);
    assert.deepEqual(shown[0]?.slice(1), ['Show Output', 'Try Again']);
  });

  it('that is killed in mid-run is started again, and the session goes on', async () => {
    const conversation = await freshConversation();
    const { stage } = await activated();
    const shown = await answering('showWarningMessage', () => undefined, async (messages) => {
      const asked = command('ask', 'count slowly');
      await eventually(() => wordsOf(conversation).includes('word5'));
      await kill();
      await asked;
      await eventually(() => messages.length > 0 && stage.desk.server.state === 'running');
    });
    assert.match(String(shown[0]?.[0]), /ended unexpectedly and was started again/);
    assert.equal(conversation.steps.at(-1)?.kind, 'failure');
    const { sessionId } = conversation;
    await command('ask', 'which code?');
    assert.equal(conversation.sessionId, sessionId);
    assert.ok(sessionId);
    await conversation.open(sessionId);
    assert.ok(conversation.messages.some((message) => message.text.includes('word5')));
  });

  it('that crashes again and again is not started for ever', async () => {
    const { stage } = await activated();
    await stage.desk.server.restart();
    const shown = await answering('showErrorMessage', () => undefined, async (messages) => {
      await answering('showWarningMessage', () => undefined, async () => {
        while (messages.length === 0) {
          await eventually(() => stage.desk.server.state === 'running');
          await kill();
          await eventually(() => messages.length > 0 || stage.desk.server.state !== 'running');
        }
      });
    });
    assert.match(String(shown[0]?.[0]), /again and again/);
    assert.deepEqual(shown[0]?.slice(1), ['Restart Server', 'Show Output']);
    assert.equal(stage.desk.server.state, 'failed');
    await command('restartServer');
    assert.equal(stage.desk.server.state, 'running');
  });
});
