/** Messages about a server that isn't there, with buttons that help. */
import * as vscode from 'vscode';
import { plain } from '../plainText';
import type { Remedy, ServerFailure } from './failure';
import type { Server } from './server';
import { installPython, packageIndex } from './uv';

const LONGEST = 500;
const INSTALL = 'Install';
const OWN = 'Open python.org';
const DOWNLOADS = vscode.Uri.parse('https://www.python.org/downloads/');

const LABELS: Record<Remedy, string> = {
  choosePython: 'Choose Python…',
  installPython: 'Install Python…',
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
      return getPython(server, log);
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

/** Installs a Python for the server alone, once the user has read what that means. */
async function getPython(server: Server, log: vscode.LogOutputChannel): Promise<void> {
  const asked = {
    modal: true,
    detail:
      `It downloads uv (about 20 MB) from ${packageIndex().host}, if you have none, and has it download Python ` +
      "(about 30 MB). Both go to this extension's own directory; nothing else on this machine is changed.",
  };
  const told = 'Install a Python for Claude Agent?';
  const chosen = await vscode.window.showInformationMessage(told, asked, INSTALL, OWN);
  if (chosen === OWN) {
    await vscode.env.openExternal(DOWNLOADS);
  } else if (chosen === INSTALL) {
    const shown = { location: vscode.ProgressLocation.Notification, title: 'Installing Python…' };
    const { storage } = server.installation;
    try {
      await vscode.window.withProgress(shown, async () => installPython(storage));
    } catch (error) {
      return tell(error as ServerFailure, server, log);
    }
    await server.restart().catch(() => undefined); // told by the failure's own message
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
