/** The conversation in the side bar. */
import * as vscode from 'vscode';
import { folderOf } from '../folders';
import type { Conversation } from './conversation';
import type { Desk } from './desk';
import { page, pageOptions } from './page';
import { Surface } from './surface';

export const VIEW = 'claude-agent.conversation';

/** The view `claude-agent.conversation`. It comes back to the session that it showed last. */
export class SideBar implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private current: Surface | undefined;
  private readonly visibility = new vscode.EventEmitter<void>();
  private waiting: ((surface: Surface) => void)[] = [];

  readonly onDidChangeVisibility = this.visibility.event;

  constructor(
    private readonly desk: Desk,
    private readonly extension: vscode.Uri,
    private readonly state: vscode.Memento,
  ) {}

  get surface(): Surface | undefined {
    return this.current;
  }

  get visible(): boolean {
    return this.view?.visible === true;
  }

  async resolveWebviewView(view: vscode.WebviewView): Promise<void> {
    const folder = folderOf(vscode.window.activeTextEditor?.document.uri);
    view.webview.options = pageOptions(this.extension);
    if (folder === undefined) {
      view.webview.html = noFolder();
      return;
    }
    this.view = view;
    const closed = new AbortController();
    view.onDidDispose(() => {
      closed.abort();
      this.view = undefined;
    });
    const first = await this.first(folder);
    if (closed.signal.aborted) {
      return; // while the server was being started
    }
    const surface = new Surface(view.webview, first, this.desk);
    this.current = surface;
    view.onDidChangeVisibility(() => this.visibility.fire());
    const named = surface.onDidChange(() => this.name(first));
    view.onDidDispose(() => {
      named.dispose();
      surface.dispose();
      this.current = undefined;
    });
    this.name(first);
    view.webview.html = page(view.webview, this.extension);
    this.visibility.fire();
    for (const resolve of this.waiting.splice(0)) {
      resolve(surface);
    }
  }

  /** Shows the view, with the keyboard in it, and returns its surface. */
  async reveal(): Promise<Surface> {
    const shown = this.current;
    const coming = new Promise<Surface>((resolve) => {
      if (shown === undefined) {
        this.waiting.push(resolve);
      } else {
        resolve(shown);
      }
    });
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    return coming;
  }

  /** Shows a conversation. */
  async show(conversation: Conversation): Promise<Surface> {
    const surface = await this.reveal();
    surface.attach(conversation);
    return surface;
  }

  dispose(): void {
    this.visibility.dispose();
  }

  /** @param first What the view began with: an empty one is no choice of the user's. */
  private name(first: Conversation): void {
    const conversation = this.current?.conversation;
    if (this.view === undefined || conversation === undefined) {
      return;
    }
    this.view.description = conversation.title;
    if (conversation !== first || conversation.sessionId !== undefined) {
      void this.state.update(keyOf(conversation.folder), conversation.sessionId ?? null);
    }
  }

  /** The conversation that was shown when the window closed, else the folder's current one. */
  private async first(folder: vscode.WorkspaceFolder): Promise<Conversation> {
    try {
      const last = this.state.get<string | null>(keyOf(folder));
      const shown = last === undefined ? await this.currentOf(folder) : last;
      if (shown !== null) {
        return await this.desk.conversations.recall(shown, folder);
      }
    } catch (error) {
      this.desk.log.warn(`The last conversation can't be shown: ${String(error)}`);
    }
    return this.desk.conversations.create(folder);
  }

  /** The session that another editor, or another window, has worked in last. */
  private async currentOf(folder: vscode.WorkspaceFolder): Promise<string | null> {
    const { folders } = await this.desk.server.execute('claudeAgent.status', {});
    const uri = folder.uri.toString();
    return folders.find((each) => each.uri === uri)?.currentSession ?? null;
  }
}

function keyOf(folder: vscode.WorkspaceFolder): string {
  return `shown ${folder.uri.toString()}`;
}

function noFolder(): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>Claude Agent</title>
</head><body><p>Open a folder: the agent works in one.</p></body></html>`;
}
