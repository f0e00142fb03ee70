/** What the CLI offers in each folder, asked once: it takes a process of the CLI to tell. */
import type * as vscode from 'vscode';
import type { Capabilities } from '../shared/control';
import type { Server } from './server/server';

export class CapabilityCache {
  private readonly asked = new Map<string, Promise<Capabilities>>();

  constructor(private readonly server: Server) {
    server.onDidChangeState((state) => state !== 'running' && this.asked.clear());
  }

  /**
   * Returns the models, modes and commands of a folder.
   *
   * @throws RequestFailure The CLI does not start there.
   */
  async of(folder: vscode.WorkspaceFolder): Promise<Capabilities> {
    const workspace = folder.uri.toString();
    let asked = this.asked.get(workspace);
    if (asked === undefined) {
      asked = this.server.execute('claudeAgent.capabilities', { workspace });
      this.asked.set(workspace, asked);
      asked.catch(() => this.asked.delete(workspace));
    }
    return asked;
  }
}
