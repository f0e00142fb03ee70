/** What a folder's agent is run with: its MCP servers, the context, and the account's limits. */
import * as vscode from 'vscode';
import type { McpServer } from '../shared/control';
import { plain } from './plainText';
import type { WindowServices } from './windowServices';

interface ServerItem extends vscode.QuickPickItem {
  readonly server: McpServer;
}
interface Deed extends vscode.QuickPickItem {
  readonly does: 'enable' | 'disable' | 'reconnect';
}

/** Lets the user choose an MCP server of a folder, and what becomes of it. */
export async function chooseMcpServer(
  services: WindowServices,
  folder: vscode.WorkspaceFolder,
): Promise<void> {
  const workspace = folder.uri.toString();
  const { servers } = await services.server.execute('claudeAgent.mcp.list', { workspace });
  if (servers.length === 0) {
    void vscode.window.showInformationMessage(`${folder.name} has no MCP servers.`);
    return;
  }
  const items = servers.map((server): ServerItem => ({ server, ...described(server) }));
  const chosen = await vscode.window.showQuickPick(items, { title: 'MCP Servers' });
  if (chosen === undefined) {
    return;
  }
  const { name, status } = chosen.server;
  const deeds: Deed[] =
    status === 'disabled'
      ? [{ label: 'Enable', does: 'enable' }]
      : [
          { label: 'Disable', does: 'disable' },
          { label: 'Reconnect', does: 'reconnect' },
        ];
  const deed = await vscode.window.showQuickPick(deeds, { title: plain(name, 60) });
  if (deed === undefined) {
    return;
  }
  const server =
    deed.does === 'reconnect'
      ? await services.server.execute('claudeAgent.mcp.reconnect', { workspace, name })
      : await services.server.execute('claudeAgent.mcp.toggle', {
          workspace,
          name,
          enabled: deed.does === 'enable',
        });
  void vscode.window.showInformationMessage(`${plain(server.name, 60)}: ${server.status}`);
}

function described(server: McpServer): vscode.QuickPickItem {
  return {
    label: plain(server.name, 60),
    description: `${server.status}, ${server.tools.length} tools`,
    detail: plain(server.error ?? '', 200),
  };
}

/** Shows how full the context of a folder's current session is, and how the account's limits stand. */
export async function showUsage(
  services: WindowServices,
  folder: vscode.WorkspaceFolder,
): Promise<void> {
  const workspace = folder.uri.toString();
  const context = await services.server.execute('claudeAgent.context', { workspace });
  const { limits } = await services.server.execute('claudeAgent.limits', {});
  const items: vscode.QuickPickItem[] = [
    {
      label: `${Math.round(context.percentage)} % of the context`,
      description: `${context.totalTokens} of ${context.maxTokens} tokens`,
    },
    ...context.categories.map(({ name, tokens }) => ({
      label: plain(name, 60),
      description: `${tokens} tokens`,
    })),
    ...limits.map(({ limit, status, resetsAt }) => ({
      label: `Limit: ${plain(limit, 60)}`,
      description: resetsAt == null ? status : `${status}, reset at ${new Date(resetsAt).toLocaleString()}`,
    })),
  ];
  await vscode.window.showQuickPick(items, { title: 'Context and Limits' });
}
