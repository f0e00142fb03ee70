/** The sessions as a tree: by folder where there are several, by day, newest first. */
import * as vscode from 'vscode';
import type { Match } from '../../shared/control';
import type { Session } from '../../shared/protocol';
import type { Conversations } from '../conversation/conversations';
import { severalFolders } from '../folders';
import { plain } from '../plainText';
import type { Questions } from '../questions';
import type { Server } from '../server/server';
import { agoOf, dayOf } from './days';
import { adviceOf, marksOf } from './marks';

const PAGE = 100;
const MATCH_ICONS = { prompt: 'account', answer: 'comment', tool: 'tools' };

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
/** A line of a session that holds what is searched for. */
export interface MatchNode {
  readonly kind: 'match';
  readonly folder: vscode.WorkspaceFolder;
  readonly of: SessionNode;
  readonly match: Match;
}
interface MoreNode {
  readonly kind: 'more';
  readonly folder: vscode.WorkspaceFolder;
}
export type Node = FolderNode | DayNode | SessionNode | MatchNode | MoreNode;

/** The data of the view `claude-agent.sessions`. */
export class SessionsTree implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  private readonly listening: vscode.Disposable;
  private readonly pages = new Map<string, number>();
  private words = '';
  private archive = false;
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

  /** Whether archived sessions are among those that are shown. */
  get archived(): boolean {
    return this.archive;
  }

  set archived(shown: boolean) {
    this.archive = shown;
    void vscode.commands.executeCommand('setContext', 'claude-agent.archivedShown', shown);
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
      case 'session':
        return (node.session.matches ?? []).map((match) => ({
          kind: 'match',
          folder: node.folder,
          of: node,
          match,
        }));
      default:
        return [];
    }
  }

  getTreeItem(node: Node): vscode.TreeItem {
    switch (node.kind) {
      case 'folder':
        return item(node.folder.name, vscode.TreeItemCollapsibleState.Expanded, 'root-folder');
      case 'day': {
        const near = ['Pinned', 'Today', 'Yesterday'].includes(node.name);
        const recent = near || this.words !== '';
        const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
        return item(node.name, recent ? Expanded : Collapsed);
      }
      case 'more':
        return moreItem(node);
      case 'match':
        return matchItem(node);
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
      ...(this.words !== '' && { search: this.words, matches: true }),
      ...(this.archive && { archived: true }),
    });
    void vscode.commands.executeCommand('setContext', 'claude-agent.sessionsLoaded', true);
    if (this.words !== '') {
      // The best first: days would hide that.
      const found: Node[] = sessions.map((session) => ({ kind: 'session', folder, session }));
      return nextCursor == null ? found : [...found, { kind: 'more', folder }];
    }
    const days = Map.groupBy(sessions, (session) =>
      session.pinned ? 'Pinned' : dayOf(new Date(session.lastModified)),
    );
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
    const { Expanded, None } = vscode.TreeItemCollapsibleState;
    const shown = item(plain(session.title), session.matches?.length ? Expanded : None);
    const waits = this.questions.of(session.sessionId).length > 0;
    const runs = session.running || this.conversations.find(session.sessionId)?.running === true;
    shown.id = `${node.folder.uri.toString()} ${session.sessionId}`;
    shown.contextValue = [
      runs ? 'session.running' : 'session',
      session.pinned ? 'pinned' : '',
      session.archived ? 'archived' : '',
    ].join(' ');
    shown.iconPath = iconOf(session, waits, runs);
    const parts = [waits ? 'waiting for you' : '', runs && !waits ? 'running' : ''];
    const tag = session.tag == null ? '' : `#${plain(session.tag, 30)}`;
    const archived = session.archived ? 'archived' : '';
    const ago = agoOf(new Date(session.lastModified));
    const marks = marksOf(session);
    shown.description = [...parts, archived, tag, ...marks, ago].filter((part) => part !== '').join(' · ');
    shown.tooltip = [
      session.title,
      `${new Date(session.lastModified).toLocaleString()}, from ${session.origin}`,
      session.gitBranch == null ? '' : `Branch ${session.gitBranch}`,
      lengthOf(session),
      session.interrupted ? 'Interrupted. Ask again to continue.' : '',
      ...adviceOf(session),
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

function matchItem({ of, match }: MatchNode): vscode.TreeItem {
  const shown = item(plain(match.line), vscode.TreeItemCollapsibleState.None);
  shown.iconPath = new vscode.ThemeIcon(MATCH_ICONS[match.place]);
  shown.tooltip = match.line;
  shown.command = { command: 'claude-agent.session.open', title: 'Open Session', arguments: [of] };
  return shown;
}

function lengthOf({ prompts, costUsd }: Session): string {
  const length = prompts == null ? '' : `${prompts} ${prompts === 1 ? 'prompt' : 'prompts'}`;
  return [length, costUsd == null || costUsd === 0 ? '' : `$${costUsd.toFixed(2)}`]
    .filter((part) => part !== '')
    .join(', ');
}

function iconOf(session: Session, waits: boolean, runs: boolean): vscode.ThemeIcon {
  if (waits) {
    return new vscode.ThemeIcon('bell-dot', new vscode.ThemeColor('list.warningForeground'));
  }
  if (runs) {
    return new vscode.ThemeIcon('loading~spin');
  }
  if (session.pinned) {
    return new vscode.ThemeIcon('pinned');
  }
  if (session.archived) {
    return new vscode.ThemeIcon('archive');
  }
  if (session.tag === 'keep') {
    return new vscode.ThemeIcon('save');
  }
  return new vscode.ThemeIcon(session.interrupted ? 'debug-disconnect' : 'comment');
}
