import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { handleMessage } from '../../src/conversation/viewMessages';
import { ServerFailure } from '../../src/server/failure';
import { tell } from '../../src/server/remedies';
import { statusOf } from '../../src/status';
import {
  activated,
  answering,
  command,
  eventually,
  executable,
  folder,
  freshConversation,
  wordsOf,
} from '../support';

const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('claudeAgent');

async function kill(): Promise<void> {
  const { locations } = await activated();
  const status = await locations.services.server.execute('claudeAgent.status', {});
  process.kill(status.server.pid, 'SIGKILL');
}

describe('the server', () => {
  it('that is no server is told, and the button opens the settings', async () => {
    const { locations } = await activated();
    await locations.services.server.stop();
    const shown = await answering('showErrorMessage', () => undefined, async (messages) => {
      await settings().update('server.path', '/nowhere/x', vscode.ConfigurationTarget.Global);
      await command('restartServer');
      await eventually(() => messages.length > 0);
    });
    assert.match(String(shown[0]?.[0]), /could not be started/);
    assert.equal(shown[0]?.[1], 'Open Settings');
    const { server, conversations, questions } = locations.services;
    assert.equal(statusOf(server, conversations, questions).kind, 'error');
  });

  it('that is missing lets no conversation be forgotten', async () => {
    const { locations } = await activated();
    const { conversations, server } = locations.services;
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
    assert.match(String(recalled[0]?.[0]), /could not be started/);
  });

  it('that never had a session recalls nothing', async () => {
    const { conversations } = (await activated()).locations.services;
    const gone = await conversations.recall('00000000-0000-4000-8000-000000000000', folder());
    assert.equal(gone.sessionId, undefined);
    assert.deepEqual(gone.steps, []);
  });

  it('that finds no Python is given one by the button', async () => {
    const { locations } = await activated();
    const { log, server } = locations.services;
    const chosen = vscode.Uri.file(await executable('python-chosen', 'echo 3.12'));
    const failure = new ServerFailure('pythonMissing', 'There is none.', ['installPython', 'choosePython']);
    const shown = await answering('showErrorMessage', () => 'Choose Python…', async () => {
      await answering('showOpenDialog', () => [chosen], async () => {
        await tell(failure, server, log);
      });
    });
    assert.deepEqual(shown, [['There is none.', 'Install Python…', 'Choose Python…']]);
    assert.equal(settings().get('server.python'), chosen.fsPath);
    await settings().update('server.python', undefined, vscode.ConfigurationTarget.Global);
  });

  it('that ends at once is told, and is tried again by the button', async () => {
    const { locations } = await activated();
    const path_ = await executable('ends', 'case "$1" in --version) echo 1 ;; *) exit 3 ;; esac');
    await locations.services.server.stop();
    await settings().update('server.path', path_, vscode.ConfigurationTarget.Global);
    const shown = await answering(
      'showErrorMessage',
      async () => {
        await settings().update('server.path', undefined, vscode.ConfigurationTarget.Global);
        return 'Try Again';
      },
      async () => {
        await command('restartServer');
        await eventually(() => locations.services.server.state === 'running');
      },
    );
    assert.match(String(shown[0]?.[0]), /did not start/);
    assert.deepEqual(shown[0]?.slice(1), ['Show Output', 'Try Again']);
  });

  it('that is killed in mid-run is started again, and the session goes on', async () => {
    const conversation = await freshConversation();
    const { locations } = await activated();
    const shown = await answering('showWarningMessage', () => undefined, async (messages) => {
      const asked = command('ask', 'count slowly');
      await eventually(() => wordsOf(conversation).includes('word5'));
      await kill();
      await asked;
      await eventually(() => messages.length > 0 && locations.services.server.state === 'running');
    });
    assert.match(String(shown[0]?.[0]), /ended unexpectedly and is restarted/);
    await conversation.renew();
    assert.deepEqual(conversation.steps.at(-1), {
      kind: 'failure',
      message: 'The Claude Agent server has ended.',
      hint: 'The conversation so far is saved in the session. Ask again to continue.',
    });
    const { view } = locations.sideBar;
    assert.ok(view);
    const again = handleMessage({ type: 'again' }, view);
    await eventually(() => conversation.steps.filter((step) => step.kind === 'prompt').length === 2);
    await command('stop');
    await again;
    const { sessionId } = conversation;
    await command('ask', 'which code?');
    assert.equal(conversation.sessionId, sessionId);
    assert.ok(sessionId);
    await conversation.open(sessionId);
    assert.ok(conversation.messages.some((message) => message.text.includes('word5')));
  });

  it('that crashes again and again is not started for ever', async () => {
    const { locations } = await activated();
    await locations.services.server.restart();
    const shown = await answering('showErrorMessage', () => undefined, async (messages) => {
      await answering('showWarningMessage', () => undefined, async () => {
        while (messages.length === 0) {
          await eventually(() => locations.services.server.state === 'running');
          await kill();
          await eventually(() => messages.length > 0 || locations.services.server.state !== 'running');
        }
      });
    });
    assert.match(String(shown[0]?.[0]), /keeps ending unexpectedly/);
    assert.deepEqual(shown[0]?.slice(1), ['Restart Server', 'Show Output']);
    assert.equal(locations.services.server.state, 'failed');
    await command('restartServer');
    assert.equal(locations.services.server.state, 'running');
  });
});
