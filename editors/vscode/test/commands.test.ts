import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { handleMessage } from '../src/conversation/viewMessages';
import { activated, answering, command, eventually, folder, freshConversation, replacing } from './support';

interface Labelled {
  readonly label: string;
}

describe('the command', () => {
  it('Run Doctor tells what is missing where there is no server to run it', async () => {
    const { server } = (await activated()).locations.services;
    const settings = vscode.workspace.getConfiguration('claudeAgent');
    const set = (value?: string): Thenable<void> =>
      settings.update('server.path', value, vscode.ConfigurationTarget.Global);
    const shown = await answering('showErrorMessage', () => undefined, async (messages) => {
      await server.stop();
      await set('/nowhere/claude-agent-lsp');
      await command('runDoctor');
      await eventually(() => messages.length > 0);
    });
    await set();
    assert.match(String(shown[0]?.[0]), /nowhere.*could not be started/);
    assert.deepEqual(shown[0]?.slice(1), ['Open Settings', 'Try Again']);
  });

  for (const name of ['ask', 'askAboutSelection', 'newSession', 'resume', 'review', 'chooseModel', 'usage']) {
    it(`${name} says in a window without a folder that it needs one`, async () => {
      await freshConversation();
      const shown = await answering('showInformationMessage', () => undefined, async (messages) => {
        await replacing(vscode.workspace, 'workspaceFolders', undefined, async () => {
          void command(name, 'hello');
          await eventually(() => messages.length > 0);
        });
      });
      assert.deepEqual(shown, [['Open a folder to use Claude Agent.', 'Open Folder…']]);
    });
  }

  it('Ask puts the user into the prompt', async () => {
    const { locations } = await activated();
    await vscode.commands.executeCommand('workbench.view.explorer');
    await command('ask');
    await eventually(() => locations.sideBar.visible);
  });

  it('Ask About Selection gives the lines along', async () => {
    const conversation = await freshConversation();
    const uri = vscode.Uri.joinPath(folder().uri, 'hello.py');
    const editor = await vscode.window.showTextDocument(uri);
    editor.selection = new vscode.Selection(1, 0, 1, 5);
    await command('askAboutSelection', 'what is this?');
    const [first] = conversation.steps;
    assert.ok(first?.kind === 'prompt');
    assert.equal(first.extras.context?.label, 'hello.py:2');
  });

  it('a code action asks in the conversation that is shown', async () => {
    const conversation = await freshConversation();
    await command('ask', 'to have a server');
    const uri = vscode.Uri.joinPath(folder().uri, 'hello.py');
    const editor = await vscode.window.showTextDocument(uri);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# not saved\n'));
    const range = new vscode.Range(0, 0, 0, 11);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      uri,
      range,
    );
    const explain = actions.find(({ title }) => title === 'Explain with Claude');
    assert.ok(explain?.command);
    const { command: name, arguments: given = [] } = explain.command;
    await vscode.commands.executeCommand(name, ...(given as unknown[]));
    await eventually(() =>
      conversation.steps.some(
        (step) => step.kind === 'prompt' && step.prompt === 'Explain line 1 of `hello.py`.',
      ),
    );
    await eventually(() => !conversation.running);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  it('Review… shows what is found as problems, which can be dismissed', async () => {
    await freshConversation();
    await vscode.window.showTextDocument(vscode.Uri.joinPath(folder().uri, 'hello.py'));
    await answering(
      'showQuickPick',
      (items: readonly Labelled[]) => items.find((item) => item.label === 'This file'),
      async () => {
        await command('review');
      },
    );
    const uri = vscode.Uri.joinPath(folder().uri, 'hello.py');
    const found = vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'claude');
    assert.deepEqual(
      found.map(({ message, code, range }) => [message, code, range.start.line]),
      [['Greets nobody', 'correctness', 1]],
    );
    const [finding] = found;
    assert.ok(finding);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      uri,
      finding.range,
    );
    const dismiss = actions.find(({ title }) => title === 'Dismiss: Greets nobody');
    assert.ok(dismiss?.command);
    const { command: name, arguments: given = [] } = dismiss.command;
    await vscode.commands.executeCommand(name, ...(given as unknown[]));
    await eventually(() =>
      vscode.languages.getDiagnostics(uri).every(({ source }) => source !== 'claude'),
    );
  });

  it('Resume Session… shows the session that is chosen', async () => {
    const conversation = await freshConversation();
    await command('ask', 'a session to come back to');
    await command('newSession');
    const { locations } = await activated();
    await eventually(async () => {
      // The view that takes the keyboard closes the list: then it is opened again.
      const resumed = command('resume');
      await new Promise((resolve) => setTimeout(resolve, 500));
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      await resumed;
      return locations.sideBar.view?.conversation.sessionId === conversation.sessionId;
    });
  });

  it('Open Conversation in Editor gives it a tab, and the side bar a new one', async () => {
    const conversation = await freshConversation();
    await command('ask', 'for a tab');
    await command('openInEditor');
    const { locations } = await activated();
    const [tab] = locations.tabs.views;
    assert.equal(tab?.conversation, conversation);
    assert.notEqual(locations.sideBar.view?.conversation, conversation);
    await eventually(() =>
      vscode.window.tabGroups.all.some((group) => group.tabs.some((each) => each.label === 'for a tab')),
    );
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await eventually(() => locations.tabs.views.length === 0);
  });

  it('Open Conversation in Editor gives the tab an icon for light themes and one for dark ones', async () => {
    const conversation = await freshConversation();
    const { locations } = await activated();
    const panels: vscode.WebviewPanel[] = [];
    const { createWebviewPanel } = vscode.window;
    const keep = (...how: Parameters<typeof createWebviewPanel>): vscode.WebviewPanel => {
      const panel = createWebviewPanel(...how);
      panels.push(panel);
      return panel;
    };
    await replacing(vscode.window, 'createWebviewPanel', keep, () => {
      locations.tabs.show(conversation);
      return Promise.resolve();
    });
    const { light, dark } = panels[0]?.iconPath as { readonly light: vscode.Uri; readonly dark: vscode.Uri };
    for (const icon of [light, dark]) {
      const drawn = Buffer.from(await vscode.workspace.fs.readFile(icon)).toString();
      assert.match(drawn, /stroke="#[0-9a-f]{6}"/); // as an image, it has no colour around it
    }
    assert.notEqual(light.path, dark.path);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('Choose Permission Mode… holds for the conversation', async () => {
    const conversation = await freshConversation();
    await answering(
      'showQuickPick',
      (items: readonly Labelled[]) => items.find((item) => item.label === 'Plan'),
      async () => {
        await command('chooseMode');
      },
    );
    assert.equal(conversation.choice.mode, 'plan');
  });

  it('Choose Permission Mode… lets the agent do everything only after a word, once in a conversation', async () => {
    const conversation = await freshConversation();
    const choose = async (label: string): Promise<void> => {
      const pick = (items: readonly Labelled[]): unknown => items.find((item) => item.label === label);
      await answering('showQuickPick', pick, async () => {
        await command('chooseMode');
      });
    };
    let agrees = false;
    const answer = (): string | undefined => (agrees ? 'Bypass Permissions' : undefined);
    const asked = await answering('showWarningMessage', answer, async () => {
      await choose('Bypass');
      assert.equal(conversation.choice.mode, 'default');
      agrees = true;
      await choose('Bypass');
      assert.equal(conversation.choice.mode, 'bypassPermissions');
      await choose('Plan');
      await choose('Bypass');
      assert.equal(conversation.choice.mode, 'bypassPermissions');
      const view = await (await activated()).locations.sideBar.reveal();
      await handleMessage({ type: 'choose', mode: 'default' }, view);
      await freshConversation();
      agrees = false;
      await handleMessage({ type: 'choose', mode: 'bypassPermissions' }, view);
      assert.equal(view.conversation.choice.mode, 'default');
    });
    assert.equal(asked.length, 3);
    assert.match(JSON.stringify(asked[0]), /do everything without asking\?.*"modal":true.*You will not be asked/);
  });

  it('Choose Model… lists what the CLI offers, and asks that one', async () => {
    const conversation = await freshConversation();
    await answering(
      'showQuickPick',
      async (items: Promise<readonly Labelled[]>) => (await items).at(-1),
      async () => {
        await command('chooseModel');
      },
    );
    assert.ok(conversation.choice.model);
  });

  it('Show Menu does what is chosen', async () => {
    const { locations } = await activated();
    const before = await freshConversation();
    await command('ask', 'something to leave');
    assert.ok(before.sessionId);
    await answering(
      'showQuickPick',
      (items: readonly Labelled[]) => items.find((item) => item.label.includes('New Session')),
      async () => {
        await command('menu');
      },
    );
    assert.ok(locations.current);
    assert.equal(locations.current.conversation.sessionId, undefined);
  });

  it('Stop stops what is shown', async () => {
    const conversation = await freshConversation();
    const asked = command('ask', 'count slowly');
    await eventually(() => conversation.sessionId);
    await command('stop');
    await asked;
    assert.equal(conversation.running, false);
  });

  it('Show the Open Question says that there is none', async () => {
    const shown = await answering('showInformationMessage', () => undefined, async () => {
      await command('answer');
    });
    assert.deepEqual(shown, [['There is no open question.']]);
  });

  it('Run Doctor runs it in a terminal', async () => {
    await command('runDoctor');
    const terminal = await eventually(() =>
      vscode.window.terminals.find((each) => each.name === 'Claude Agent Doctor'),
    );
    terminal.dispose();
  });

  for (const name of ['showOutput', 'openSettings', 'openWalkthrough', 'focus']) {
    it(`${name} opens its place`, async () => {
      const shown = await answering('showErrorMessage', () => undefined, async () => {
        await command(name);
      });
      assert.deepEqual(shown, []);
    });
  }
});
