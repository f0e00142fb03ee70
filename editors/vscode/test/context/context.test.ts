import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { dropped } from '../../src/context/dropped';
import { activated, eventually, folder } from '../support';

describe('the context of a prompt', () => {
  it('tells what the editor shows, and leaves out what was taken away', async () => {
    const { locations } = await activated();
    const file = vscode.Uri.joinPath(folder().uri, 'hello.py');
    const editor = await vscode.window.showTextDocument(file);
    editor.selection = new vscode.Selection(0, 0, 1, 3);
    const view = await locations.sideBar.reveal();
    await eventually(() => view.composer.items()[0]?.label === 'hello.py:1-2');
    view.composer.remove('editor');
    assert.deepEqual(view.composer.items(), []);
    editor.selection = new vscode.Selection(0, 0, 0, 3);
    await eventually(() => view.composer.items()[0]?.label === 'hello.py:1');
  });

  it('tells of the diagnostics of the selection', async () => {
    const { locations } = await activated();
    const uri = vscode.Uri.joinPath(folder().uri, 'hello.py');
    const diagnostics = vscode.languages.createDiagnosticCollection('test');
    const message = 'name is not defined';
    diagnostics.set(uri, [new vscode.Diagnostic(new vscode.Range(1, 0, 1, 4), message)]);
    const editor = await vscode.window.showTextDocument(uri);
    editor.selection = new vscode.Selection(1, 0, 1, 2);
    const view = await locations.sideBar.reveal();
    await eventually(() => view.composer.items()[1]?.label === '1 problem');
    assert.deepEqual(
      view.composer.take().context?.diagnostics.map((each) => each.message),
      [message],
    );
    diagnostics.dispose();
  });

  it('takes dropped files of the machine that the agent works on, and no others', () => {
    const file = 'file:///home/me/a%20b.py';
    const remote = 'vscode-remote://ssh-remote%2Bhost/home/me/a%20b.py';
    const unsaved = 'untitled:Untitled-1';
    assert.deepEqual(dropped([file, unsaved], undefined), { files: [file], others: [unsaved] });
    assert.deepEqual(dropped([file, remote], 'ssh-remote'), { files: [file], others: [file] });
  });
});
