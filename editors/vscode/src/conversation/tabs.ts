/** Conversations as editor tabs. */
import * as vscode from 'vscode';
import { folderOf, openFolder } from '../folders';
import type { Conversation } from './conversation';
import type { WindowServices } from '../windowServices';
import { page, pageOptions } from './page';
import { ConversationView } from './conversationView';
import { handleMessage } from './viewMessages';

export const PANEL = 'claude-agent.conversationPanel';
const TITLE_LENGTH = 40;

/** What a tab remembers while the window is closed. */
interface Remembered {
  readonly sessionId?: string;
  readonly folderUri?: string;
}

export class Tabs implements vscode.WebviewPanelSerializer<Remembered | undefined> {
  private readonly open = new Map<vscode.WebviewPanel, ConversationView>();
  private readonly visibility = new vscode.EventEmitter<void>();

  readonly onDidChangeVisibility = this.visibility.event;

  constructor(
    private readonly services: WindowServices,
    private readonly extension: vscode.Uri,
  ) {}

  get views(): readonly ConversationView[] {
    return [...this.open.values()];
  }

  /** The view of the tab that the user is in. */
  get active(): ConversationView | undefined {
    return [...this.open].find(([panel]) => panel.active)?.[1];
  }

  /** The views that the user can see. */
  get visible(): readonly ConversationView[] {
    return [...this.open].filter(([panel]) => panel.visible).map(([, view]) => view);
  }

  /** Whether a tab shows this conversation so that the user can see it. */
  shows(conversation: Conversation): boolean {
    return this.visible.some((view) => view.conversation === conversation);
  }

  /** Shows a conversation in a tab of its own; one that has a tab is brought to the front. */
  show(conversation: Conversation): ConversationView {
    for (const [panel, view] of this.open) {
      if (view.conversation === conversation) {
        panel.reveal();
        return view;
      }
    }
    const panel = vscode.window.createWebviewPanel(PANEL, '', vscode.ViewColumn.Active, {
      ...pageOptions(this.extension),
      retainContextWhenHidden: true,
      enableFindWidget: true,
    });
    return this.fill(panel, conversation);
  }

  async deserializeWebviewPanel(
    panel: vscode.WebviewPanel,
    state: Remembered | undefined,
  ): Promise<void> {
    const folder =
      state?.folderUri === undefined ? folderOf(undefined) : openFolder(state.folderUri);
    if (folder === undefined) {
      panel.dispose();
      return;
    }
    const closed = new AbortController();
    panel.onDidDispose(() => closed.abort());
    const conversation =
      state?.sessionId === undefined
        ? this.services.conversations.create(folder)
        : await this.services.conversations.recall(state.sessionId, folder);
    if (!closed.signal.aborted) {
      panel.webview.options = pageOptions(this.extension);
      this.fill(panel, conversation);
    }
  }

  private fill(panel: vscode.WebviewPanel, conversation: Conversation): ConversationView {
    const view = new ConversationView(panel.webview, conversation, this.services, handleMessage);
    this.open.set(panel, view);
    const name = (): void => {
      const title = view.conversation.title;
      panel.title = title.length > TITLE_LENGTH ? `${title.slice(0, TITLE_LENGTH)}…` : title;
    };
    const icon = (theme: 'light' | 'dark'): vscode.Uri =>
      vscode.Uri.joinPath(this.extension, 'media', `icon-${theme}.svg`);
    panel.iconPath = { light: icon('light'), dark: icon('dark') };
    const named = view.onDidChange(name);
    panel.onDidChangeViewState(() => this.visibility.fire());
    panel.onDidDispose(() => {
      named.dispose();
      view.dispose();
      this.open.delete(panel);
      this.visibility.fire();
    });
    name();
    panel.webview.html = page(panel.webview, this.extension);
    this.visibility.fire();
    return view;
  }
}
