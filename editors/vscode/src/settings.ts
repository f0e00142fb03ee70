/** The extension's own settings, and what of `claudeAgent` the server is given. */
import * as vscode from 'vscode';
import { USER_SETTINGS } from '../shared/vocabulary';

export const SECTION = 'claudeAgent';

/** Settings of the extension alone; the server knows nothing of them. */
const OWN: readonly string[] = ['server', 'trace', 'view', 'notifications', 'context'];

/** What no folder has a say in: of scope `machine` in package.json. */
export const USERS_ALONE = [...USER_SETTINGS, 'server.path', 'server.python'] as const;

export interface ServerSettings {
  readonly path: string | undefined;
  readonly python: string | undefined;
}

/** How the server is found and started. */
export function serverSettings(): ServerSettings {
  return { path: filled(ofUser('server.path')), python: filled(ofUser('server.python')) };
}

/** What is offered as context of a prompt. */
export function contextSettings(): { readonly selection: boolean; readonly diagnostics: boolean } {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return {
    selection: settings.get('context.selection', true),
    diagnostics: settings.get('context.diagnostics', true),
  };
}

/** Whether the agent reads and edits a file as the editor has it, and not as the disk has it. */
export function liveDocuments(file: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration(SECTION, file).get('liveDocuments', true);
}

/** Whether a question is also a notification while no conversation shows it. */
export function notifiesOfQuestions(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get('notifications.questions', true);
}

/** Returns the mode that new conversations begin in. */
export function configuredMode(): string {
  return filled(ofUser('permissionMode')) ?? 'default';
}

/**
 * Returns the settings as the server wants them: those that are set, and none of the extension's.
 *
 * What the user alone may set is theirs, whatever else the section holds: a folder could hide it in
 * names that VS Code doesn't know, like `claudeAgent.env.PATH`, or in one `claudeAgent` object.
 *
 * @param given The section as VS Code has it, defaults included.
 */
export function forServer(given: unknown): Record<string, unknown> {
  const usersOwn = USERS_ALONE.map((name): [string, unknown] => [name, ofUser(name)]);
  const all = { ...(given as Record<string, unknown> | null), ...Object.fromEntries(usersOwn) };
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) =>
        !OWN.includes(name.split('.')[0] ?? '') && value !== null && value !== undefined && value !== '',
    ),
  );
}

/** Returns a setting as the user has it, or its default: no folder has a say in it. */
function ofUser(name: (typeof USERS_ALONE)[number]): unknown {
  const found = vscode.workspace.getConfiguration(SECTION).inspect(name);
  return found?.globalValue ?? found?.defaultValue;
}

function filled(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
