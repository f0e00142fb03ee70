/** Code of an answer, put where the user was writing. */
import * as vscode from 'vscode';

/** Inserts a text at the cursor of an editor, in place of its selection, and goes there. */
export async function insertAtCursor(
  text: string,
  editor: vscode.TextEditor | undefined,
): Promise<void> {
  if (editor?.document.isClosed !== false) {
    void vscode.window.showWarningMessage('Open a file to insert the code into.');
    return;
  }
  const shown = await vscode.window.showTextDocument(editor.document, {
    ...(editor.viewColumn !== undefined && { viewColumn: editor.viewColumn }),
    selection: editor.selection,
  });
  await shown.edit((edit) => {
    for (const selection of shown.selections) {
      edit.replace(selection, text);
    }
  });
}
