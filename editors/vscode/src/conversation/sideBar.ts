/** The conversation in the side bar. */
import * as vscode from 'vscode';
import { folderOf, needFolder } from '../folders';
import type { Conversation } from './conversation';
import type { WindowServices } from '../windowServices';
import { page, pageOptions } from './page';
import { ConversationView } from './conversationView';
import { handleMessage } from './viewMessages';

export const VIEW = 'claude-agent.conversation';
const OPEN_FOLDER = 'vscode.openFolder';

/** The view `claude-agent.conversation`. It comes back to the session that it showed last. */
export class SideBar implements vscode.WebviewViewProvider, vscode.Disposable {
  private webviewView: vscode.WebviewView | undefined;
  private current: ConversationView | undefined;
  private readonly visibility = new vscode.EventEmitter<void>();
  private waiting: ((view: ConversationView) => void)[] = [];

  readonly onDidChangeVisibility = this.visibility.event;

  constructor(
    private readonly services: WindowServices,
    private readonly extension: vscode.Uri,
    private readonly state: vscode.Memento,
  ) {}

  get view(): ConversationView | undefined {
    return this.current;
  }

  get visible(): boolean {
    return this.webviewView?.visible === true;
  }

  async resolveWebviewView(webviewView: vscode.WebviewView): Promise<void> {
    const folder = folderOf(vscode.window.activeTextEditor?.document.uri);
    if (folder === undefined) {
      webviewView.webview.options = { enableCommandUris: [OPEN_FOLDER] };
      webviewView.webview.html = noFolder();
      return;
    }
    webviewView.webview.options = pageOptions(this.extension);
    this.webviewView = webviewView;
    const closed = new AbortController();
    webviewView.onDidDispose(() => {
      closed.abort();
      this.webviewView = undefined;
    });
    const first = await this.first(folder);
    if (closed.signal.aborted) {
      return; // while the server was being started
    }
    const view = new ConversationView(webviewView.webview, first, this.services, handleMessage);
    this.current = view;
    webviewView.onDidChangeVisibility(() => this.visibility.fire());
    const named = view.onDidChange(() => this.name(first));
    webviewView.onDidDispose(() => {
      named.dispose();
      view.dispose();
      this.current = undefined;
    });
    this.name(first);
    webviewView.webview.html = page(webviewView.webview, this.extension);
    this.visibility.fire();
    for (const resolve of this.waiting.splice(0)) {
      resolve(view);
    }
  }

  /**
   * Shows the side bar, with the keyboard in it, and returns its conversation's view.
   *
   * @throws NoFolder There is no conversation, since no folder is open.
   */
  async reveal(): Promise<ConversationView> {
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    needFolder();
    return this.current ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Shows a conversation. */
  async show(conversation: Conversation): Promise<ConversationView> {
    const view = await this.reveal();
    view.attach(conversation);
    return view;
  }

  dispose(): void {
    this.visibility.dispose();
  }

  /** @param first What the view began with: an empty one is no choice of the user's. */
  private name(first: Conversation): void {
    const conversation = this.current?.conversation;
    if (this.webviewView === undefined || conversation === undefined) {
      return;
    }
    this.webviewView.description = conversation.title;
    if (conversation !== first || conversation.sessionId !== undefined) {
      void this.state.update(keyOf(conversation.folder), conversation.sessionId ?? null);
    }
  }

  /** The conversation that was shown when the window closed, else the folder's current one. */
  private async first(folder: vscode.WorkspaceFolder): Promise<Conversation> {
    try {
      const last = this.state.get<string | null>(keyOf(folder));
      const shown = last === undefined ? await this.services.conversations.currentOf(folder) : last;
      if (shown !== null) {
        return await this.services.conversations.recall(shown, folder);
      }
    } catch (error) {
      this.services.log.warn(`The last conversation can't be shown: ${String(error)}`);
    }
    return this.services.conversations.create(folder);
  }
}

function keyOf(folder: vscode.WorkspaceFolder): string {
  return `shown ${folder.uri.toString()}`;
}

function noFolder(): string {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>Claude Agent</title>
</head><body><p>Open a folder to use the agent.</p>
<p><a href="command:${OPEN_FOLDER}">Open Folder…</a></p></body></html>`;
}
