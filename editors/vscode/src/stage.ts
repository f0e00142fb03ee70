/** Where conversations are shown: the side bar and the tabs, as one. */
import * as vscode from 'vscode';
import type { Conversation } from './conversation/conversation';
import type { Desk } from './conversation/desk';
import type { SideBar } from './conversation/sideBar';
import type { Surface } from './conversation/surface';
import type { Tabs } from './conversation/tabs';

export class Stage implements vscode.Disposable {
  private readonly looking: vscode.Disposable;

  constructor(
    readonly desk: Desk,
    readonly sideBar: SideBar,
    readonly tabs: Tabs,
  ) {
    this.looking = vscode.Disposable.from(
      vscode.window.onDidChangeWindowState(({ focused }) => focused && this.renew()),
      sideBar.onDidChangeVisibility(() => this.renew()),
      tabs.onDidChangeVisibility(() => this.renew()),
    );
  }

  /** The surface that a command is about: the tab that the user is in, else the side bar. */
  get current(): Surface | undefined {
    return this.tabs.active ?? this.sideBar.surface;
  }

  /** Whether the user can see a conversation. */
  visible(conversation: Conversation): boolean {
    const beside = this.sideBar.visible && this.sideBar.surface?.conversation === conversation;
    return beside || this.tabs.shows(conversation);
  }

  /** Shows the surface that a command is about, and returns it. */
  async reveal(): Promise<Surface> {
    return this.tabs.active ?? this.sideBar.reveal();
  }

  /** Shows a conversation where it is shown already, else in the side bar. */
  async show(conversation: Conversation): Promise<Surface> {
    const tab = this.tabs.surfaces.find((each) => each.conversation === conversation);
    return tab === undefined ? this.sideBar.show(conversation) : this.tabs.show(conversation);
  }

  /** Shows a session. */
  async open(sessionId: string, folder: vscode.WorkspaceFolder): Promise<Surface> {
    return this.show(await this.desk.conversations.open(sessionId, folder));
  }

  dispose(): void {
    this.looking.dispose();
  }

  /** The user looks again at what they see: others may have gone on with it. */
  private renew(): void {
    const beside = this.sideBar.visible ? this.sideBar.surface : undefined;
    for (const surface of new Set([beside, ...this.tabs.visible])) {
      surface?.renew();
    }
  }

  /** Shows another conversation wherever this one is shown. */
  replace(conversation: Conversation, other: Conversation): void {
    for (const surface of [this.sideBar.surface, ...this.tabs.surfaces]) {
      if (surface?.conversation === conversation) {
        surface.attach(other);
      }
    }
  }
}
