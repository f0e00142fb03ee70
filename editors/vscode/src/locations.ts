/** Where conversations are shown: the side bar and the tabs, as one. */
import * as vscode from 'vscode';
import type { Conversation } from './conversation/conversation';
import type { WindowServices } from './windowServices';
import type { SideBar } from './conversation/sideBar';
import type { ConversationView } from './conversation/conversationView';
import type { Tabs } from './conversation/tabs';

export class Locations implements vscode.Disposable {
  private readonly looking: vscode.Disposable;

  constructor(
    readonly services: WindowServices,
    readonly sideBar: SideBar,
    readonly tabs: Tabs,
  ) {
    this.looking = vscode.Disposable.from(
      vscode.window.onDidChangeWindowState(({ focused }) => focused && this.renew()),
      sideBar.onDidChangeVisibility(() => this.renew()),
      tabs.onDidChangeVisibility(() => this.renew()),
    );
  }

  /** The view that a command is about: the tab that the user is in, else the side bar. */
  get current(): ConversationView | undefined {
    return this.tabs.active ?? this.sideBar.view;
  }

  /** Whether the user can see a conversation. */
  visible(conversation: Conversation): boolean {
    const beside = this.sideBar.visible && this.sideBar.view?.conversation === conversation;
    return beside || this.tabs.shows(conversation);
  }

  /** Shows the view that a command is about, and returns it. */
  async reveal(): Promise<ConversationView> {
    return this.tabs.active ?? this.sideBar.reveal();
  }

  /** Shows a conversation where it is shown already, else in the side bar. */
  async show(conversation: Conversation): Promise<ConversationView> {
    const tab = this.tabs.views.find((each) => each.conversation === conversation);
    return tab === undefined ? this.sideBar.show(conversation) : this.tabs.show(conversation);
  }

  /** Shows a session. */
  async open(sessionId: string, folder: vscode.WorkspaceFolder): Promise<ConversationView> {
    return this.show(await this.services.conversations.open(sessionId, folder));
  }

  dispose(): void {
    this.looking.dispose();
  }

  /** The user looks again at what they see: others may have gone on with it. */
  private renew(): void {
    const beside = this.sideBar.visible ? this.sideBar.view : undefined;
    for (const view of new Set([beside, ...this.tabs.visible])) {
      view?.renew();
    }
  }

  /** Shows another conversation wherever this one is shown. */
  replace(conversation: Conversation, other: Conversation): void {
    for (const view of [this.sideBar.view, ...this.tabs.views]) {
      if (view?.conversation === conversation) {
        view.attach(other);
      }
    }
  }
}
