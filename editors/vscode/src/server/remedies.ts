/** Messages about a server that isn't there, with buttons that help. */
import * as vscode from 'vscode';
import { plain } from '../plainText';
import type { Remedy, ServerFailure } from './failure';
import type { Server } from './server';

const LONGEST = 500;
const DOWNLOADS = vscode.Uri.parse('https://www.python.org/downloads/');

const LABELS: Record<Remedy, string> = {
  choosePython: 'Choose Python…',
  installPython: 'Get Python',
  openSettings: 'Open Settings',
  restart: 'Restart Server',
  showOutput: 'Show Output',
  tryAgain: 'Try Again',
};

/** Tells of a failure, and does what the user chooses. */
export async function tell(
  failure: ServerFailure,
  server: Server,
  log: vscode.LogOutputChannel,
): Promise<void> {
  log.error(failure.message);
  const remedies = [...new Set(failure.remedies)];
  const recovered = failure.reason === 'crashed' && !remedies.includes('restart');
  const show = recovered ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
  const chosen = await show(plain(failure.message, LONGEST), ...remedies.map((remedy) => LABELS[remedy]));
  const remedy = remedies.find((each) => LABELS[each] === chosen);
  if (remedy !== undefined) {
    await apply(remedy, server, log);
  }
}

async function apply(remedy: Remedy, server: Server, log: vscode.LogOutputChannel): Promise<void> {
  switch (remedy) {
    case 'choosePython':
      return choosePython(server);
    case 'installPython':
      await vscode.env.openExternal(DOWNLOADS);
      return;
    case 'openSettings':
      await vscode.commands.executeCommand('workbench.action.openSettings', 'claudeAgent.server');
      return;
    case 'restart':
    case 'tryAgain':
      return server.restart().catch(() => undefined); // told by the failure's own message
    case 'showOutput':
      log.show(true);
  }
}

async function choosePython(server: Server): Promise<void> {
  const chosen = await vscode.window.showOpenDialog({
    title: 'Python 3.11 or newer',
    openLabel: 'Use This Python',
    canSelectMany: false,
  });
  const path = chosen?.[0]?.fsPath;
  if (path !== undefined) {
    await vscode.workspace
      .getConfiguration('claudeAgent')
      .update('server.python', path, vscode.ConfigurationTarget.Global);
    await server.restart().catch(() => undefined); // told by the failure's own message
  }
}
