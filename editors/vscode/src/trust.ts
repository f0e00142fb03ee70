/** Workspace trust: the agent can run what a folder says, so it is asked in trusted ones alone. */
import * as vscode from 'vscode';
import { needFolder } from './folders';

const MANAGE = 'Manage Trust';
const BYPASS = 'Bypass Permissions';
/** The conversations whose user has agreed to it. */
const bypassing = new WeakSet<object>();

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

/**
 * Whether the agent of a conversation may have a mode. That it asks for nothing at all is asked the
 * user, once in a conversation.
 *
 * @param conversation Stands for itself.
 */
export async function mayChoose(mode: string, conversation: object): Promise<boolean> {
  if (mode !== 'bypassPermissions' || bypassing.has(conversation)) {
    return true;
  }
  const detail =
    'It runs any command and changes or deletes any file that you can, here and elsewhere on this machine. ' +
    'You will not be asked. This holds in this conversation until you choose another mode or close the window.';
  const asked = { modal: true, detail };
  const agreed = (await vscode.window.showWarningMessage('Let Claude do everything without asking?', asked, BYPASS)) === BYPASS;
  if (agreed) {
    bypassing.add(conversation);
  }
  return agreed;
}
