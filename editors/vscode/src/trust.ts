/** Workspace trust: the agent can run what a folder says, so it is asked in trusted ones alone. */
import * as vscode from 'vscode';
import { needFolder } from './folders';

const MANAGE = 'Manage Trust';

/**
 * Whether the agent may be asked; if not, the user has been told, with the way out.
 *
 * @throws NoFolder There is none to ask in.
 */
export async function mayAsk(): Promise<boolean> {
  needFolder();
  if (vscode.workspace.isTrusted) {
    return true;
  }
  const told =
    'Claude Agent can run code from a folder, so it only works in folders that you trust. ' +
    'This window is in Restricted Mode.';
  if ((await vscode.window.showWarningMessage(told, MANAGE)) === MANAGE) {
    await vscode.commands.executeCommand('workbench.trust.manage');
  }
  return false;
}
