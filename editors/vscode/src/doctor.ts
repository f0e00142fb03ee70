/** The server's own look at whether all is well, in a terminal. */
import * as vscode from 'vscode';
import type { Server } from './server/server';

const NAME = 'Claude Agent Doctor';

/**
 * Runs `claude-agent-lsp doctor` where the user can read it.
 *
 * @throws ServerFailure There is none to be run; the user has been told.
 */
export async function runDoctor(server: Server): Promise<void> {
  const executable = await server.find();
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  vscode.window.terminals.find((terminal) => terminal.name === NAME)?.dispose();
  const shown = vscode.window.createTerminal({
    name: NAME,
    // Behind a shell that waits: a terminal closes with its program.
    ...(process.platform === 'win32'
      ? { shellPath: executable, shellArgs: ['doctor'] }
      : {
          shellPath: '/bin/sh',
          shellArgs: ['-c', '"$0" doctor; printf "\\nPress Enter to close. "; read _', executable],
        }),
    ...(folder !== undefined && { cwd: folder }),
    isTransient: true,
  });
  shown.show();
}
