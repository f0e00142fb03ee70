/** The status bar: idle, running, waiting for you, or an error; a click opens the menu. */
import * as vscode from 'vscode';
import type { Conversations } from './conversation/conversations';
import { plain } from './plainText';
import type { Questions } from './questions';
import type { Server } from './server/server';

export type StatusKind = 'idle' | 'starting' | 'running' | 'waiting' | 'error';

export interface Status {
  readonly kind: StatusKind;
  readonly text: string;
  readonly tooltip: string;
}

/** Says what is most urgent. */
export function statusOf(
  server: Pick<Server, 'state'>,
  conversations: Pick<Conversations, 'running'>,
  questions: Pick<Questions, 'all'>,
): Status {
  const [question] = questions.all;
  const [run, ...others] = conversations.running;
  if (question !== undefined) {
    return status('waiting', '$(bell-dot) Claude: waiting for you', question.title);
  }
  if (server.state === 'failed') {
    return status('error', '$(error) Claude', 'The server is not running. Click to see what you can do.');
  }
  if (run !== undefined) {
    const more = others.length > 0 ? ` (+${others.length})` : '';
    const line = plain(run.line, 40);
    return status('running', `$(loading~spin) Claude: ${line}${more}`, run.title);
  }
  if (server.state === 'starting') {
    return status('starting', '$(loading~spin) Claude: starting', 'The server is starting.');
  }
  return status('idle', '$(comment-discussion) Claude', 'Claude Agent is idle.');
}

/** Keeps the status bar, and the context keys of menus and key bindings, as things are. */
export class StatusBar implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private readonly listening: vscode.Disposable;
  private readonly keys = new Map<string, boolean>();

  constructor(
    private readonly server: Server,
    private readonly conversations: Conversations,
    private readonly questions: Questions,
  ) {
    this.item = vscode.window.createStatusBarItem('claude-agent', vscode.StatusBarAlignment.Right, 90);
    this.item.name = 'Claude Agent';
    this.item.command = 'claude-agent.menu';
    const update = (): void => this.update();
    this.listening = vscode.Disposable.from(
      this.item,
      server.onDidChangeState(update),
      conversations.onDidChange(update),
      questions.onDidChange(update),
    );
    this.update();
    this.item.show();
  }

  dispose(): void {
    this.listening.dispose();
  }

  private update(): void {
    const { kind, text, tooltip } = statusOf(this.server, this.conversations, this.questions);
    this.item.text = text;
    this.item.tooltip = plain(tooltip);
    this.item.accessibilityInformation = { label: text.replace(/\$\([^)]*\) /, ''), role: 'button' };
    this.item.backgroundColor =
      kind === 'error' || kind === 'waiting'
        ? new vscode.ThemeColor(
            kind === 'error' ? 'statusBarItem.errorBackground' : 'statusBarItem.warningBackground',
          )
        : undefined;
    this.key('claude-agent.running', this.conversations.running.length > 0);
    this.key('claude-agent.waiting', this.questions.all.length > 0);
  }

  private key(name: string, value: boolean): void {
    if (this.keys.get(name) !== value) {
      this.keys.set(name, value);
      void vscode.commands.executeCommand('setContext', name, value);
    }
  }
}

function status(kind: StatusKind, text: string, tooltip: string): Status {
  return { kind, text, tooltip };
}
