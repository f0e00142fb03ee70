import * as assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { openDiff } from '../src/diffs';
import { save } from '../src/server/saving';
import { activated, answering, command, eventually, folder, freshConversation } from './support';

const DISK = 'one\ntwo\nthree\n';
const LIVE = (): vscode.Uri => vscode.Uri.joinPath(folder().uri, 'live.txt');

async function onDisk(): Promise<string> {
  return readFile(LIVE().fsPath, 'utf8');
}

/** Begins a conversation beside a file, which has an editor of its own if that is wanted. */
async function opened(shown: boolean): Promise<vscode.TextDocument> {
  await writeFile(LIVE().fsPath, DISK);
  await freshConversation();
  const document = await vscode.workspace.openTextDocument(LIVE());
  if (shown) {
    await vscode.window.showTextDocument(document);
  }
  await eventually(() => document.getText() === DISK);
  return document;
}

/** Asks, and allows all that is asked for it. */
async function ask(prompt: string, meanwhile = (): Promise<void> => Promise.resolve()): Promise<void> {
  const { questions } = (await activated()).locations.services;
  const state = { ended: false };
  const asked = command('ask', prompt).finally(() => (state.ended = true));
  const acted = meanwhile();
  await eventually(async () => {
    const open = questions.all[0];
    if (open !== undefined) {
      await questions.answer(open.questionId, 'allow');
    }
    return state.ended;
  });
  await Promise.all([asked, acted]);
}

/** Types where the cursor is, or elsewhere. */
async function type(text: string, at?: vscode.Position): Promise<void> {
  const editor = await vscode.window.showTextDocument(LIVE());
  if (at !== undefined) {
    editor.selection = new vscode.Selection(at, at);
  }
  await vscode.commands.executeCommand('type', { text });
}

async function undo(): Promise<void> {
  await vscode.window.showTextDocument(LIVE());
  await vscode.commands.executeCommand('undo');
}

describe('the diff of a proposed edit', () => {
  const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration();
  const set = async (live?: boolean): Promise<void> => {
    await settings().update('claudeAgent.liveDocuments', live, vscode.ConfigurationTarget.Global);
    await settings().update('files.autoSave', live === undefined ? undefined : 'off', vscode.ConfigurationTarget.Global);
  };
  after(async () => set());

  for (const live of [true, false]) {
    it(`is of ${live ? 'the unsaved text where that is edited' : 'the disk, where the disk is edited'}`, async () => {
      await set(live);
      await opened(true);
      await type('typed ', new vscode.Position(0, 0));
      const input = { file_path: LIVE().fsPath, old_string: 'two', new_string: '2' };
      const { documents } = (await activated()).locations.services;
      await openDiff({ tool: 'Edit', input, status: undefined, created: false }, documents);
      const tab = await eventually(() => {
        const shown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
        return shown instanceof vscode.TabInputTextDiff ? shown : undefined;
      });
      const textOf = async (uri: vscode.Uri): Promise<string> =>
        (await vscode.workspace.openTextDocument(uri)).getText();
      const before = live ? `typed ${DISK}` : DISK;
      assert.equal(await textOf(tab.original), before);
      assert.equal(await textOf(tab.modified), before.replace('two', '2'));
      await vscode.window.showTextDocument(LIVE());
      await vscode.commands.executeCommand('workbench.action.files.revert');
    });
  }
});

describe('a file that is open', () => {
  // In a browser VS Code saves by itself, a second after.
  const saving = (value: string | undefined): Thenable<void> =>
    vscode.workspace
      .getConfiguration('files')
      .update('autoSave', value, vscode.ConfigurationTarget.Global);
  before(async () => saving('off'));
  after(async () => saving(undefined));

  it('is read and edited as the user sees it, and one undo takes that back', async () => {
    const document = await opened(true);
    await type('typed ', new vscode.Position(0, 0));
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(1, 2, 1, 2);
    await ask('see what I typed');
    assert.equal(document.getText(), 'seen one\ntwo\nthree\n');
    assert.equal(document.isDirty, true);
    assert.equal(await onDisk(), DISK);
    const now = vscode.window.activeTextEditor;
    assert.equal(now?.document.uri.toString(), LIVE().toString());
    assert.deepEqual(now.selection, editor.selection);
    await undo();
    assert.equal(document.getText(), 'typed one\ntwo\nthree\n');
    assert.equal(await document.save(), true);
    assert.equal(await onDisk(), 'typed one\ntwo\nthree\n');
  });

  for (const shown of [true, false]) {
    it(`is saved once with each edit, with all that takes part in it, ${shown ? 'shown' : 'or not'}`, async () => {
      const document = await opened(shown);
      const saved: string[] = [];
      const listening = vscode.Disposable.from(
        vscode.workspace.onWillSaveTextDocument((event) => {
          const at = event.document.getText().indexOf('=2');
          if (at >= 0) {
            const range = new vscode.Range(document.positionAt(at), document.positionAt(at + 2));
            event.waitUntil(Promise.resolve([vscode.TextEdit.replace(range, ' = 2')]));
          }
        }),
        vscode.workspace.onDidSaveTextDocument(({ uri }) => saved.push(uri.toString())),
      );
      try {
        const messages = await answering('showErrorMessage', () => undefined, async () => {
          await ask('edit what is saved');
        });
        assert.deepEqual(messages, []);
      } finally {
        listening.dispose();
      }
      assert.equal(document.getText(), 'one\ny=3\nthree\n');
      assert.equal(await onDisk(), document.getText());
      assert.equal(document.isDirty, false);
      assert.deepEqual(saved, [LIVE().toString(), LIVE().toString()]);
    });
  }

  it('keeps what is typed during a run, and its undo', async () => {
    const document = await opened(true);
    const go = vscode.Uri.joinPath(folder().uri, 'go').fsPath;
    await ask('wait, and edit', async () => {
      await eventually(async () => {
        const { conversations } = (await activated()).locations.services;
        const steps = conversations.running[0]?.steps ?? [];
        return steps.some((step) => step.kind === 'event' && JSON.stringify(step).includes('until test'));
      });
      await type(' typed', new vscode.Position(0, 3));
      await writeFile(go, '');
      await eventually(() => document.getText().includes('\n3\n'));
      await type(' on');
    });
    await rm(go);
    assert.equal(document.getText(), 'one typed on\ntwo\n3\n');
    assert.equal(await onDisk(), DISK);
    await undo();
    assert.equal(document.getText(), 'one typed\ntwo\n3\n');
    await undo();
    assert.equal(document.getText(), 'one typed\ntwo\nthree\n');
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  it('is saved only as it was meant', async () => {
    const document = await opened(true);
    await type('typed ', new vscode.Position(0, 0));
    const uriOf = (uri: vscode.Uri): string => uri.toString();
    const uri = LIVE().toString();
    assert.equal(await save(uri, document.version - 1, uriOf), false);
    assert.equal(await save(`${uri}x`, document.version, uriOf), false);
    assert.equal(await onDisk(), DISK);
    assert.equal(await save(uri, document.version, uriOf), true);
    assert.equal(await onDisk(), `typed ${DISK}`);
  });
});
