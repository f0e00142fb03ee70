/** What can be done with a session of the tree. */
import * as vscode from 'vscode';
import { severalFolders } from '../folders';
import { plain } from '../plainText';
import type { Locations } from '../locations';
import { redo, rewind } from './rewind';
import type { Node, SessionNode, SessionsTree } from './tree';

type Act = (node: SessionNode, locations: Locations) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Act>> = {
  open: async ({ session, folder }, locations) => locations.open(session.sessionId, folder),
  openInEditor: async ({ session, folder }, locations) =>
    locations.tabs.show(await locations.services.conversations.open(session.sessionId, folder)),
  rename,
  tag,
  pin: async ({ session: { sessionId } }, { services }) =>
    services.server.execute('claudeAgent.session.pin', { sessionId }),
  unpin: async ({ session: { sessionId } }, { services }) =>
    services.server.execute('claudeAgent.session.pin', { sessionId, pinned: false }),
  archive: async ({ session: { sessionId } }, { services }) =>
    services.server.execute('claudeAgent.session.archive', { sessionId }),
  unarchive: async ({ session: { sessionId } }, { services }) =>
    services.server.execute('claudeAgent.session.archive', { sessionId, archived: false }),
  fork,
  rewind,
  redo,
  delete: remove,
  export: exportSession,
  show: async ({ session }, { services }) =>
    services.server.execute('claudeAgent.session.show', { sessionId: session.sessionId }),
};

/** Registers the commands of the tree. */
export function registerSessionCommands(
  locations: Locations,
  tree: SessionsTree,
  view: vscode.TreeView<Node>,
): vscode.Disposable {
  const registered = Object.entries(ACTIONS).map(([name, act]) =>
    vscode.commands.registerCommand(`claude-agent.session.${name}`, async (given?: Node) => {
      const chosen = given ?? view.selection[0];
      const node = chosen?.kind === 'match' ? chosen.of : chosen;
      if (node?.kind !== 'session') {
        return;
      }
      try {
        await act(node, locations);
      } catch (error) {
        locations.services.report(error);
      }
      if (!['open', 'openInEditor', 'show', 'export'].includes(name)) {
        tree.refresh();
        await locations.services.conversations.find(node.session.sessionId)?.refresh();
      }
    }),
  );
  return vscode.Disposable.from(
    ...registered,
    vscode.commands.registerCommand('claude-agent.sessions.refresh', () => tree.refresh()),
    vscode.commands.registerCommand('claude-agent.sessions.more', (node: Node) => tree.more(node)),
    vscode.commands.registerCommand('claude-agent.sessions.search', () => search(tree)),
    vscode.commands.registerCommand('claude-agent.sessions.clearSearch', () => {
      tree.search = '';
    }),
    vscode.commands.registerCommand('claude-agent.sessions.showArchived', () => {
      tree.archived = true;
    }),
    vscode.commands.registerCommand('claude-agent.sessions.hideArchived', () => {
      tree.archived = false;
    }),
    vscode.commands.registerCommand('claude-agent.sessions.import', async () => {
      try {
        await importSessions(locations);
      } catch (error) {
        locations.services.report(error);
      }
      tree.refresh();
    }),
  );
}

async function search(tree: SessionsTree): Promise<void> {
  const words = await vscode.window.showInputBox({
    title: 'Search Sessions',
    prompt: 'Search prompts, answers, tool calls and file names; leave it empty to show all sessions',
    value: tree.search,
  });
  if (words !== undefined) {
    tree.search = words.trim();
  }
}

async function rename({ session }: SessionNode, { services }: Locations): Promise<void> {
  const title = await vscode.window.showInputBox({
    title: 'Rename Session',
    value: session.title,
    validateInput: (value) => (value.trim() === '' ? 'Enter a title.' : undefined),
  });
  if (title !== undefined) {
    const { sessionId } = session;
    await services.server.execute('claudeAgent.session.rename', { sessionId, title: title.trim() });
  }
}

async function tag({ session }: SessionNode, { services }: Locations): Promise<void> {
  const word = await vscode.window.showInputBox({
    title: 'Tag Session',
    prompt: 'Leave it empty to remove the tag. Sessions tagged "keep" are never deleted to make room.',
    value: session.tag ?? '',
  });
  if (word !== undefined) {
    await services.server.execute('claudeAgent.session.tag', {
      sessionId: session.sessionId,
      tag: word.trim() === '' ? null : word.trim(),
    });
  }
}

async function fork({ session, folder }: SessionNode, locations: Locations): Promise<void> {
  const copy = await locations.services.server.execute('claudeAgent.session.fork', {
    sessionId: session.sessionId,
  });
  const view = await locations.open(copy.sessionId, folder);
  view.focusPrompt();
}

async function remove({ session, folder }: SessionNode, locations: Locations): Promise<void> {
  const sure = 'Delete';
  const question = `Delete “${plain(session.title, 80)}” permanently?`;
  const detail = 'Its transcript is deleted for every editor and the terminal.';
  const chosen = await vscode.window.showWarningMessage(question, { modal: true, detail }, sure);
  if (chosen !== sure) {
    return;
  }
  const { sessionId } = session;
  await locations.services.server.execute('claudeAgent.session.delete', { sessionId });
  locations.services.history.forget(folder, sessionId);
  const shown = locations.services.conversations.find(sessionId);
  if (shown !== undefined) {
    locations.replace(shown, locations.services.conversations.create(folder));
    locations.services.conversations.forget(shown);
  }
}

async function exportSession({ session, folder }: SessionNode, { services }: Locations): Promise<void> {
  const name = session.title.replaceAll(/[^\p{L}\p{N} ._-]+/gu, '').trim().slice(0, 60);
  const target = await vscode.window.showSaveDialog({
    title: 'Export Session',
    defaultUri: vscode.Uri.joinPath(folder.uri, `${name === '' ? 'session' : name}.md`),
    filters: {
      Markdown: ['md'],
      'Web page, to be sent': ['html'],
      'The CLI’s transcript, to be imported': ['jsonl'],
    },
  });
  if (target === undefined) {
    return;
  }
  await services.server.execute('claudeAgent.session.export', {
    sessionId: session.sessionId,
    format: formatOf(target.path),
    uri: target.toString(),
  });
  await (target.path.endsWith('.html')
    ? vscode.env.openExternal(target)
    : vscode.commands.executeCommand('vscode.open', target));
}

function formatOf(path: string): 'markdown' | 'jsonl' | 'html' {
  if (path.endsWith('.jsonl')) {
    return 'jsonl';
  }
  return path.endsWith('.html') ? 'html' : 'markdown';
}

/** Brings sessions of other machines to the folder that the user chooses. */
async function importSessions(locations: Locations): Promise<void> {
  const folder = severalFolders()
    ? await vscode.window.showWorkspaceFolderPick()
    : vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    return;
  }
  const chosen = await vscode.window.showOpenDialog({
    title: 'Import Sessions',
    openLabel: 'Import',
    canSelectMany: true,
    filters: { 'The CLI’s transcripts': ['jsonl'] },
  });
  const { server } = locations.services;
  const workspace = folder.uri.toString();
  const files = [];
  for (const uri of chosen ?? []) {
    const done = await server.execute('claudeAgent.session.import', { workspace, uri: uri.toString() });
    files.push(...done.files);
  }
  const imported = files.find((file) => file.outcome === 'imported') ?? files[0];
  if (imported?.sessionId != null) {
    const known = files.filter((file) => file.outcome === 'known').length;
    const here = known === 0 ? '' : ` ${known} ${known === 1 ? 'was' : 'were'} here already.`;
    void vscode.window.showInformationMessage(`Imported ${files.length - known} of ${files.length}.${here}`);
    await locations.open(imported.sessionId, folder);
  }
}
