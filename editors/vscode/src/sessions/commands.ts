/** What can be done with a session of the tree. */
import * as vscode from 'vscode';
import { plain } from '../plainText';
import type { Stage } from '../stage';
import type { Node, SessionNode, SessionsTree } from './tree';

type Act = (node: SessionNode, stage: Stage) => Promise<unknown>;

const ACTIONS: Readonly<Record<string, Act>> = {
  open: async ({ session, folder }, stage) => stage.open(session.sessionId, folder),
  openInEditor: async ({ session, folder }, stage) =>
    stage.tabs.show(await stage.desk.conversations.open(session.sessionId, folder)),
  rename,
  tag,
  fork,
  delete: remove,
  export: exportSession,
  show: async ({ session }, { desk }) =>
    desk.server.execute('claudeAgent.session.show', { sessionId: session.sessionId }),
};

/** Registers the commands of the tree. */
export function registerSessionCommands(
  stage: Stage,
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
        await act(node, stage);
      } catch (error) {
        stage.desk.report(error);
      }
      if (!['open', 'openInEditor', 'show', 'export'].includes(name)) {
        tree.refresh();
        await stage.desk.conversations.find(node.session.sessionId)?.refresh();
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
    prompt: 'Words of titles or prompts; nothing shows all',
    value: tree.search,
  });
  if (words !== undefined) {
    tree.search = words.trim();
  }
}

async function rename({ session }: SessionNode, { desk }: Stage): Promise<void> {
  const title = await vscode.window.showInputBox({
    title: 'Rename Session',
    value: session.title,
    validateInput: (value) => (value.trim() === '' ? 'A title has words.' : undefined),
  });
  if (title !== undefined) {
    const { sessionId } = session;
    await desk.server.execute('claudeAgent.session.rename', { sessionId, title: title.trim() });
  }
}

async function tag({ session }: SessionNode, { desk }: Stage): Promise<void> {
  const word = await vscode.window.showInputBox({
    title: 'Tag Session',
    prompt: 'One word; nothing takes the tag away. "keep" keeps it from the CLI\'s cleaning.',
    value: session.tag ?? '',
  });
  if (word !== undefined) {
    await desk.server.execute('claudeAgent.session.tag', {
      sessionId: session.sessionId,
      tag: word.trim() === '' ? null : word.trim(),
    });
  }
}

async function fork({ session, folder }: SessionNode, stage: Stage): Promise<void> {
  const copy = await stage.desk.server.execute('claudeAgent.session.fork', {
    sessionId: session.sessionId,
  });
  const surface = await stage.open(copy.sessionId, folder);
  surface.focusPrompt();
}

async function remove({ session, folder }: SessionNode, stage: Stage): Promise<void> {
  const sure = 'Delete';
  const question = `Delete “${plain(session.title, 80)}” for good?`;
  const detail = 'Its transcript goes, for every editor and the terminal.';
  const chosen = await vscode.window.showWarningMessage(question, { modal: true, detail }, sure);
  if (chosen !== sure) {
    return;
  }
  const { sessionId } = session;
  await stage.desk.server.execute('claudeAgent.session.delete', { sessionId });
  const shown = stage.desk.conversations.find(sessionId);
  if (shown !== undefined) {
    stage.replace(shown, stage.desk.conversations.create(folder));
    stage.desk.conversations.forget(shown);
  }
}

async function exportSession({ session, folder }: SessionNode, { desk }: Stage): Promise<void> {
  const name = session.title.replaceAll(/[^\p{L}\p{N} ._-]+/gu, '').trim().slice(0, 60);
  const target = await vscode.window.showSaveDialog({
    title: 'Export Session',
    defaultUri: vscode.Uri.joinPath(folder.uri, `${name === '' ? 'session' : name}.md`),
    filters: { Markdown: ['md'], 'The CLI’s transcript': ['jsonl'] },
  });
  if (target === undefined) {
    return;
  }
  await desk.server.execute('claudeAgent.session.export', {
    sessionId: session.sessionId,
    format: target.path.endsWith('.jsonl') ? 'jsonl' : 'markdown',
    uri: target.toString(),
  });
  await vscode.commands.executeCommand('vscode.open', target);
}
