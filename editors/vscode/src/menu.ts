/** The menu behind the status bar: what helps now first. */
import * as vscode from 'vscode';
import type { Locations } from './locations';

interface Entry extends vscode.QuickPickItem {
  readonly command: string;
}

/** Shows it, and does what is chosen. */
export async function showMenu(locations: Locations): Promise<void> {
  const { questions, conversations, server } = locations.services;
  const entries: Entry[] = [
    ...(questions.all.length > 0
      ? [entry('$(bell-dot) Show the Open Question', 'answer', 'The agent is waiting for you')]
      : []),
    ...(conversations.running.length > 0 ? [entry('$(debug-stop) Stop', 'stop')] : []),
    ...(server.state === 'failed'
      ? [entry('$(debug-restart) Restart Server', 'restartServer', 'The server is not running')]
      : []),
    entry('$(comment-discussion) Ask', 'ask'),
    entry('$(history) Resume Session…', 'resume'),
    entry('$(add) New Session', 'newSession'),
    entry('$(server-process) Background Tasks…', 'tasks'),
    entry('$(symbol-misc) Choose Model…', 'chooseModel'),
    entry('$(shield) Choose Permission Mode…', 'chooseMode'),
    entry('$(plug) MCP Servers…', 'mcpServers'),
    entry('$(pie-chart) Context and Limits…', 'usage'),
    entry('$(output) Show Output', 'showOutput'),
    entry('$(pulse) Run Doctor', 'runDoctor'),
    ...(server.state === 'failed' ? [] : [entry('$(debug-restart) Restart Server', 'restartServer')]),
    entry('$(gear) Open Settings', 'openSettings'),
  ];
  const chosen = await vscode.window.showQuickPick(entries, { title: 'Claude Agent' });
  if (chosen !== undefined) {
    await vscode.commands.executeCommand(chosen.command);
  }
}

function entry(label: string, command: string, description = ''): Entry {
  return { label, description, command: `claude-agent.${command}` };
}
