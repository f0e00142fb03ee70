/** The sessions as a tree: by folder where there are several, by day, newest first. */
import * as vscode from 'vscode';
import type { Session } from '../../shared/protocol';
import type { Conversations } from '../conversation/conversations';
import { severalFolders } from '../folders';
import { plain } from '../plainText';
import type { Questions } from '../questions';
import type { Server } from '../server/server';
import { agoOf, dayOf } from './days';

const PAGE = 100;

interface FolderNode {
  readonly kind: 'folder';
  readonly folder: vscode.WorkspaceFolder;
}
interface DayNode {
  readonly kind: 'day';
  readonly folder: vscode.WorkspaceFolder;
  readonly name: string;
  readonly sessions: readonly Session[];
}
export interface SessionNode {
  readonly kind: 'session';
  readonly folder: vscode.WorkspaceFolder;
  readonly session: Session;
}
interface MoreNode {
  readonly kind: 'more';
  readonly folder: vscode.WorkspaceFolder;
}
export type Node = FolderNode | DayNode | SessionNode | MoreNode;

/** The data of the view `claude-agent.sessions`. */
export class SessionsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  private readonly listening: vscode.Disposable;
  private readonly pages = new Map<string, number>();
  private words = '';
  private timer: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData = this.changed.event;

  constructor(
    private readonly server: Server,
    private readonly conversations: Conversations,
    private readonly questions: Questions,
  ) {
    this.listening = vscode.Disposable.from(
      conversations.onDidStep(({ step }) => {
        if (step.kind === 'event' && ['started', 'ended'].includes(step.event.kind)) {
          this.soon();
        }
      }),
      questions.onDidChange(() => this.soon()),
      server.onDidChangeState((state) => state === 'running' && this.soon()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.refresh()),
    );
  }

  /** What is searched for; empty shows all. */
  get search(): string {
    return this.words;
  }

  set search(words: string) {
    this.words = words;
    void vscode.commands.executeCommand('setContext', 'claude-agent.searching', words !== '');
    this.refresh();
  }

  /** Reads the sessions anew. */
  refresh(): void {
    clearTimeout(this.timer);
    this.changed.fire(undefined);
  }

  /** Reads more of the sessions of a folder. */
  more({ folder }: Node & { folder: vscode.WorkspaceFolder }): void {
    const key = folder.uri.toString();
    this.pages.set(key, (this.pages.get(key) ?? 1) + 4);
    this.refresh();
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node === undefined) {
      const folders = vscode.workspace.workspaceFolders ?? [];
      if (severalFolders()) {
        return folders.map((folder) => ({ kind: 'folder', folder }));
      }
      return folders[0] === undefined ? [] : this.days(folders[0]);
    }
    switch (node.kind) {
      case 'folder':
        return this.days(node.folder);
      case 'day':
        return node.sessions.map((session) => ({ kind: 'session', folder: node.folder, session }));
      default:
        return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case 'folder':
        return item(node.folder.name, vscode.TreeItemCollapsibleState.Expanded, 'root-folder');
      case 'day': {
        const recent = ['Today', 'Yesterday'].includes(node.name) || this.words !== '';
        const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
        return item(node.name, recent ? Expanded : Collapsed);
      }
      case 'more':
        return moreItem(node);
      case 'session':
        return this.sessionItem(node);
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listening.dispose();
    this.changed.dispose();
  }

  private async days(folder: vscode.WorkspaceFolder): Promise<Node[]> {
    try {
      return await this.read(folder);
    } catch {
      return []; // the user has been told why there is no server
    }
  }

  private async read(folder: vscode.WorkspaceFolder): Promise<Node[]> {
    const limit = PAGE * (this.pages.get(folder.uri.toString()) ?? 1);
    const { sessions, nextCursor } = await this.server.execute('claudeAgent.session.list', {
      workspace: folder.uri.toString(),
      limit: Math.min(limit, 1000),
      ...(this.words !== '' && { search: this.words }),
    });
    void vscode.commands.executeCommand('setContext', 'claude-agent.sessionsLoaded', true);
    const days = Map.groupBy(sessions, (session) => dayOf(new Date(session.lastModified)));
    const nodes: Node[] = [...days].map(([name, those]) => ({
      kind: 'day',
      folder,
      name,
      sessions: those,
    }));
    return nextCursor == null ? nodes : [...nodes, { kind: 'more', folder }];
  }

  private sessionItem(node: SessionNode): vscode.TreeItem {
    const { session } = node;
    const shown = item(plain(session.title), vscode.TreeItemCollapsibleState.None);
    const waits = this.questions.of(session.sessionId).length > 0;
    const runs = session.running || this.conversations.find(session.sessionId)?.running === true;
    shown.id = `${node.folder.uri.toString()} ${session.sessionId}`;
    shown.contextValue = runs ? 'session.running' : 'session';
    shown.iconPath = iconOf(session, waits, runs);
    const parts = [waits ? 'waiting for you' : '', runs && !waits ? 'running' : ''];
    const tag = session.tag == null ? '' : `#${plain(session.tag, 30)}`;
    const ago = agoOf(new Date(session.lastModified));
    shown.description = [...parts, tag, ago].filter((part) => part !== '').join(' · ');
    shown.tooltip = [
      session.title,
      `${new Date(session.lastModified).toLocaleString()}, from ${session.origin}`,
      session.gitBranch == null ? '' : `Branch ${session.gitBranch}`,
      session.interrupted ? 'Interrupted. Ask again to continue.' : '',
    ]
      .filter((part) => part !== '')
      .join('\n');
    shown.command = {
      command: 'claude-agent.session.open',
      title: 'Open Session',
      arguments: [node],
    };
    return shown;
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      // What has failed is tried again when the user wants it, not by a tree.
      if (this.server.state === 'running') {
        this.refresh();
      }
    }, 300);
  }
}

function item(
  label: string,
  state: vscode.TreeItemCollapsibleState,
  icon?: string,
): vscode.TreeItem {
  const shown = new vscode.TreeItem(label, state);
  if (icon !== undefined) {
    shown.iconPath = new vscode.ThemeIcon(icon);
  }
  return shown;
}

function moreItem(node: MoreNode): vscode.TreeItem {
  const shown = item('Show more…', vscode.TreeItemCollapsibleState.None, 'ellipsis');
  shown.command = {
    command: 'claude-agent.sessions.more',
    title: 'Show more',
    arguments: [node],
  };
  return shown;
}

function iconOf(session: Session, waits: boolean, runs: boolean): vscode.ThemeIcon {
  if (waits) {
    return new vscode.ThemeIcon('bell-dot', new vscode.ThemeColor('list.warningForeground'));
  }
  if (runs) {
    return new vscode.ThemeIcon('loading~spin');
  }
  if (session.tag === 'keep') {
    return new vscode.ThemeIcon('pinned');
  }
  return new vscode.ThemeIcon(session.interrupted ? 'debug-disconnect' : 'comment');
}
