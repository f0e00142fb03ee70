/** Saves what the agent has edited in the editor, as its user would. */
import * as vscode from 'vscode';

/**
 * Saves a document, with all that takes part in it: formatters, actions on save, other extensions.
 *
 * @param uri As it was told to the server.
 * @param version What the server means by it: another one is not saved.
 * @param uriOf How documents are told to the server.
 * @returns Whether this is on the disk now, and nothing was typed since.
 */
export async function save(
  uri: string,
  version: number,
  uriOf: (uri: vscode.Uri) => string,
): Promise<boolean> {
  const document = vscode.workspace.textDocuments.find((each) => uriOf(each.uri) === uri);
  if (document?.version !== version || document.isClosed) {
    return false;
  }
  return !document.isDirty || ((await document.save()) && !document.isDirty);
}
