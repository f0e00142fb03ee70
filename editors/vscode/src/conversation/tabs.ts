/** Conversations as editor tabs. */
import * as vscode from 'vscode';
import { folderOf, openFolder } from '../folders';
import type { Conversation } from './conversation';
import type { Desk } from './desk';
import { page, pageOptions } from './page';
import { Surface } from './surface';

export const PANEL = 'claude-agent.conversationPanel';
const TITLE_LENGTH = 40;

/** What a tab remembers while the window is closed. */
interface Remembered {
  readonly sessionId?: string;
  readonly folderUri?: string;
}

export class Tabs implements vscode.WebviewPanelSerializer<Remembered | undefined> {
  private readonly open = new Map<vscode.WebviewPanel, Surface>();
  private readonly visibility = new vscode.EventEmitter<void>();

  readonly onDidChangeVisibility = this.visibility.event;

  constructor(
    private readonly desk: Desk,
    private readonly extension: vscode.Uri,
  ) {}

  get surfaces(): readonly Surface[] {
    return [...this.open.values()];
  }

  /** The surface of the tab that the user is in. */
  get active(): Surface | undefined {
    return [...this.open].find(([panel]) => panel.active)?.[1];
  }

  /** The surfaces that the user can see. */
  get visible(): readonly Surface[] {
    return [...this.open].filter(([panel]) => panel.visible).map(([, surface]) => surface);
  }

  /** Whether a tab shows this conversation so that the user can see it. */
  shows(conversation: Conversation): boolean {
    return this.visible.some((surface) => surface.conversation === conversation);
  }

  /** Shows a conversation in a tab of its own; one that has a tab is brought to the front. */
  show(conversation: Conversation): Surface {
    for (const [panel, surface] of this.open) {
      if (surface.conversation === conversation) {
        panel.reveal();
        return surface;
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
        ? this.desk.conversations.create(folder)
        : await this.desk.conversations.recall(state.sessionId, folder);
    if (!closed.signal.aborted) {
      panel.webview.options = pageOptions(this.extension);
      this.fill(panel, conversation);
    }
  }

  private fill(panel: vscode.WebviewPanel, conversation: Conversation): Surface {
    const surface = new Surface(panel.webview, conversation, this.desk);
    this.open.set(panel, surface);
    const name = (): void => {
      const title = surface.conversation.title;
      panel.title = title.length > TITLE_LENGTH ? `${title.slice(0, TITLE_LENGTH)}…` : title;
    };
    panel.iconPath = vscode.Uri.joinPath(this.extension, 'media', 'icon.svg');
    const named = surface.onDidChange(name);
    panel.onDidChangeViewState(() => this.visibility.fire());
    panel.onDidDispose(() => {
      named.dispose();
      surface.dispose();
      this.open.delete(panel);
      this.visibility.fire();
    });
    name();
    panel.webview.html = page(panel.webview, this.extension);
    this.visibility.fire();
    return surface;
  }
}
