/** The folder that something is about, in a window that may have several, or none. */
import * as vscode from 'vscode';

const OPEN = 'Open Folder…';

/** There is no folder that the agent could work in. */
export class NoFolder extends Error {
  constructor() {
    super('Open a folder to use Claude Agent.');
    this.name = 'NoFolder';
  }

  /** Tells the user, with the way out. */
  async tell(): Promise<void> {
    if ((await vscode.window.showInformationMessage(this.message, OPEN)) === OPEN) {
      await vscode.commands.executeCommand('vscode.openFolder');
    }
  }
}

/**
 * Makes sure that there is a folder.
 *
 * @throws NoFolder There is none.
 */
export function needFolder(): void {
  if (vscode.workspace.workspaceFolders === undefined) {
    throw new NoFolder();
  }
}

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
