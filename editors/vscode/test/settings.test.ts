import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { contextSettings, forServer, notifiesOfQuestions, serverSettings } from '../src/settings';
import { activated, command, extension, folder, freshConversation } from './support';

const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('claudeAgent');

async function having(name: string, value: unknown, during: () => Promise<void>): Promise<void> {
  await settings().update(name, value, vscode.ConfigurationTarget.Global);
  try {
    await during();
  } finally {
    await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
  }
}

describe('settings', () => {
  it('are given to the server as far as they are its own, and set', () => {
    const given = { model: null, maxTurns: 3, server: { path: 'x' }, trace: {}, env: { A: 'b' } };
    assert.deepEqual(forServer(given, true), { maxTurns: 3, env: { A: 'b' } });
  });

  it('read nothing of a folder that is not trusted', () => {
    assert.deepEqual(forServer({ settingSources: ['project'] }, false), { settingSources: ['user'] });
  });

  it('are all known to the server: none is reported as wrong', async () => {
    await freshConversation();
    const { stage } = await activated();
    const told: string[] = [];
    const window = vscode.window as unknown as Record<string, unknown>;
    const real = window.showWarningMessage;
    window.showWarningMessage = (message: string): Promise<undefined> => {
      told.push(message);
      return Promise.resolve(undefined);
    };
    await stage.desk.server.restart();
    await command('ask', 'with the settings as they are');
    window.showWarningMessage = real;
    assert.deepEqual(told, []);
  });

  it('hold in full where VS Code trusts the folder: the server knows it', async () => {
    const { stage } = await activated();
    const status = await stage.desk.server.execute('claudeAgent.status', {});
    assert.deepEqual(status.folders.map((each) => each.trusted), [true]);
  });

  it('maxTurns reaches the run', async () => {
    const conversation = await freshConversation();
    await having('maxTurns', 1, async () => {
      await conversation.choose({ mode: 'acceptEdits' });
      await command('ask', 'read on and on');
    });
    const ended = conversation.steps.at(-1);
    assert.ok(ended?.kind === 'event' && ended.event.kind === 'ended');
    assert.equal(ended.event.run.error?.reason, 'turnLimit');
  });

  it('permissionMode is what a new conversation begins in', async () => {
    await having('permissionMode', 'acceptEdits', async () => {
      assert.equal((await freshConversation()).choice.mode, 'acceptEdits');
    });
  });

  it('context.selection and context.diagnostics take the offer away', async () => {
    await having('context.selection', false, async () => {
      const editor = await vscode.window.showTextDocument(
        vscode.Uri.joinPath(folder().uri, 'hello.py'),
      );
      editor.selection = new vscode.Selection(0, 0, 1, 0);
      const { contextOf } = await import('../src/context/selection');
      assert.equal(contextOf(editor)?.range, undefined);
    });
    await having('context.diagnostics', false, async () => {
      assert.equal(contextSettings().diagnostics, false);
      await Promise.resolve();
    });
  });

  it('notifications.questions can be switched off', async () => {
    await having('notifications.questions', false, async () => {
      assert.equal(notifiesOfQuestions(), false);
      await Promise.resolve();
    });
  });

  it('of the server are empty unless they are set', () => {
    assert.deepEqual(serverSettings(), { path: undefined, python: undefined });
  });

  it('have a description each', () => {
    const { contributes } = extension().packageJSON as {
      contributes: { configuration: { properties: Record<string, { markdownDescription?: string }> }[] };
    };
    for (const { properties } of contributes.configuration) {
      for (const [name, { markdownDescription }] of Object.entries(properties)) {
        assert.ok(markdownDescription, name);
      }
    }
  });

  it('model reaches the run', async () => {
    const conversation = await freshConversation();
    await having('model', 'claude-test-model', async () => {
      await command('ask', 'which model is it?');
    });
    assert.ok(conversation.sessionId);
  });
});
