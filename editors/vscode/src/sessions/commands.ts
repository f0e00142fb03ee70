/** What can be done with a session of the tree. */
import * as vscode from 'vscode';
import { plain } from '../plainText';
import type { Locations } from '../locations';
import type { Node, SessionNode, SessionsTree } from './tree';

type Act = (node: SessionNode, locations: Locations) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Act>> = {
  open: async ({ session, folder }, locations) => locations.open(session.sessionId, folder),
  openInEditor: async ({ session, folder }, locations) =>
    locations.tabs.show(await locations.services.conversations.open(session.sessionId, folder)),
  rename,
  tag,
  fork,
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
      const node = given ?? view.selection[0];
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
  );
}

async function search(tree: SessionsTree): Promise<void> {
  const words = await vscode.window.showInputBox({
    title: 'Search Sessions',
    prompt: 'Search titles and prompts; leave it empty to show all sessions',
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
    prompt: 'Leave it empty to remove the tag. The CLI\'s cleanup never removes sessions tagged "keep".',
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
    filters: { Markdown: ['md'], 'The CLI’s transcript': ['jsonl'] },
  });
  if (target === undefined) {
    return;
  }
  await services.server.execute('claudeAgent.session.export', {
    sessionId: session.sessionId,
    format: target.path.endsWith('.jsonl') ? 'jsonl' : 'markdown',
    uri: target.toString(),
  });
  await vscode.commands.executeCommand('vscode.open', target);
}
