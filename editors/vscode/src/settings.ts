/** The extension's own settings, and what of `claudeAgent` the server is given. */
import * as vscode from 'vscode';

export const SECTION = 'claudeAgent';

/** Settings of the extension alone; the server knows nothing of them. */
const OWN = ['server', 'trace', 'view', 'notifications', 'context'] as const;

export interface ServerSettings {
  readonly path: string | undefined;
  readonly python: string | undefined;
}

/** How the server is found and started. */
export function serverSettings(): ServerSettings {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return { path: filled(settings, 'server.path'), python: filled(settings, 'server.python') };
}

/** What is offered as context of a prompt. */
export function contextSettings(): { readonly selection: boolean; readonly diagnostics: boolean } {
  const settings = vscode.workspace.getConfiguration(SECTION);
  return {
    selection: settings.get('context.selection', true),
    diagnostics: settings.get('context.diagnostics', true),
  };
}

/** Whether a question is also a notification while no conversation shows it. */
export function notifiesOfQuestions(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get('notifications.questions', true);
}

/** Returns the mode that new conversations of a folder begin in. */
export function configuredMode(folder: vscode.Uri | undefined): string {
  return vscode.workspace.getConfiguration(SECTION, folder).get('permissionMode', 'default');
}

/**
 * Returns the settings as the server wants them: those that are set, and none of the extension's.
 *
 * @param given The section as VS Code has it, defaults included.
 * @param trusted Whether the workspace is trusted. In one that isn't, nothing of the folder's own
 * Claude settings is read.
 */
export function forServer(given: unknown, trusted: boolean): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries((given ?? {}) as Record<string, unknown>)) {
    const own = (OWN as readonly string[]).includes(name);
    if (!own && value !== null && value !== undefined && value !== '') {
      settings[name] = value;
    }
  }
  if (!trusted) {
    settings.settingSources = ['user'];
  }
  return settings;
}

function filled(settings: vscode.WorkspaceConfiguration, name: string): string | undefined {
  const value = settings.get<string>(name, '').trim();
  return value === '' ? undefined : value;
}
