/** The folder that something is about, in a window that may have several. */
import * as vscode from 'vscode';

/** Returns the folder that holds a file, else the only one, else the first. */
export function folderOf(uri: vscode.Uri | undefined): vscode.WorkspaceFolder | undefined {
  const holding = uri && vscode.workspace.getWorkspaceFolder(uri);
  return holding ?? vscode.workspace.workspaceFolders?.[0];
}

/** Returns the open folder of a URI that the server gave; undefined if it isn't open here. */
export function openFolder(uri: string): vscode.WorkspaceFolder | undefined {
  const wanted = vscode.Uri.parse(uri).toString();
  return vscode.workspace.workspaceFolders?.find((folder) => folder.uri.toString() === wanted);
}

/** Whether there are several folders, so that names need theirs. */
export function severalFolders(): boolean {
  return (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
}
