import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Node, SessionNode } from '../src/sessions/tree';
import { activated, answering, command, eventually, folder, freshConversation } from './support';

async function nodes(): Promise<SessionNode[]> {
  const { tree } = await activated();
  const all: SessionNode[] = [];
  const walk = async (node?: Node): Promise<void> => {
    for (const child of await tree.getChildren(node)) {
      if (child.kind === 'session') {
        all.push(child);
      }
      await walk(child);
    }
  };
  await walk();
  return all;
}

async function nodeOf(prompt: string): Promise<SessionNode> {
  const conversation = await freshConversation();
  await command('ask', prompt);
  const found = (await nodes()).find((node) => node.session.sessionId === conversation.sessionId);
  assert.ok(found);
  return found;
}

async function again(node: SessionNode): Promise<SessionNode | undefined> {
  return (await nodes()).find((each) => each.session.sessionId === node.session.sessionId);
}

describe('the tree of sessions', () => {
  it('has them below their day, the newest first', async () => {
    await nodeOf('the first of two');
    const newest = await nodeOf('the second of two');
    const { tree } = await activated();
    const [day] = await tree.getChildren();
    assert.ok(day?.kind === 'day');
    assert.equal(day.name, 'Today');
    assert.equal(day.sessions[0]?.sessionId, newest.session.sessionId);
    assert.equal(tree.getTreeItem(newest).label, 'the second of two');
  });

  it('marks one that runs', async () => {
    const conversation = await freshConversation();
    const asked = command('ask', 'count slowly');
    const { tree } = await activated();
    await eventually(() => conversation.sessionId);
    const node = await eventually(async () =>
      (await nodes()).find((each) => each.session.sessionId === conversation.sessionId),
    );
    const item = tree.getTreeItem(node);
    assert.match(String(item.description), /running/);
    await command('stop');
    await asked;
  });

  it('shows a hostile title as words', async () => {
    const node = await nodeOf('$(trash) [x](command:workbench.action.quit) <img src=x>');
    const { tree } = await activated();
    const item = tree.getTreeItem(node);
    assert.ok(typeof item.label === 'string');
    assert.doesNotMatch(item.label, /\$\(|\]\(/);
    assert.equal(typeof item.tooltip, 'string');
  });

  it('has pinned ones first and leaves archived ones out', async () => {
    const pinned = await nodeOf('one to be pinned');
    await nodeOf('a newer one');
    const { tree } = await activated();
    await command('session.pin', pinned);
    const [group] = await tree.getChildren();
    assert.ok(group?.kind === 'day' && group.name === 'Pinned');
    assert.equal(group.sessions[0]?.sessionId, pinned.session.sessionId);
    await command('session.archive', pinned);
    assert.equal(await again(pinned), undefined);
    await command('sessions.showArchived');
    const archived = await again(pinned);
    assert.ok(archived);
    assert.match(String(tree.getTreeItem(archived).description), /archived/);
    await command('session.unarchive', archived);
    await command('session.unpin', archived);
    await command('sessions.hideArchived');
    assert.ok((await tree.getChildren()).every((node) => node.kind !== 'day' || node.name !== 'Pinned'));
  });

  it('exports a page of HTML, and imports a transcript', async () => {
    const node = await nodeOf('to be sent <b>around</b>');
    const page = vscode.Uri.joinPath(folder().uri, 'sent.html');
    const opened: string[] = [];
    const openExternal = vscode.env.openExternal;
    (vscode.env as { openExternal: unknown }).openExternal = async (uri: vscode.Uri) => {
      opened.push(uri.path);
      return Promise.resolve(true);
    };
    try {
      await answering('showSaveDialog', () => page, async () => {
        await command('session.export', node);
      });
    } finally {
      (vscode.env as { openExternal: unknown }).openExternal = openExternal;
    }
    assert.deepEqual(opened, [page.path]);
    const text = await readFile(page.fsPath, 'utf8');
    assert.match(text, /^<!DOCTYPE html>/);
    assert.match(text, /to be sent &lt;b&gt;around/);
    const lines = vscode.Uri.joinPath(folder().uri, 'sent.jsonl');
    await answering('showSaveDialog', () => lines, async () => {
      await command('session.export', node);
    });
    const other = (await readFile(lines.fsPath, 'utf8')).replaceAll(
      node.session.sessionId,
      'aaaaaaaa-2222-4333-8444-555555555555',
    );
    await vscode.workspace.fs.writeFile(lines, Buffer.from(other));
    await answering('showOpenDialog', () => [lines], async () => {
      await command('sessions.import');
    });
    assert.ok(
      (await nodes()).some(({ session }) => session.sessionId.startsWith('aaaaaaaa-2222')),
    );
  });

  it('searches', async () => {
    await nodeOf('a needle in the hay');
    const { tree } = await activated();
    await answering('showInputBox', () => 'needle', async () => {
      await command('sessions.search');
    });
    assert.ok((await nodes()).every((node) => node.session.title.includes('needle')));
    const [found] = await nodes();
    assert.ok(found);
    const [match] = await tree.getChildren(found);
    assert.ok(match?.kind === 'match');
    const { label } = tree.getTreeItem(match);
    assert.ok(typeof label === 'string' && label.includes('needle'));
    await command('sessions.clearSearch');
    assert.equal(tree.search, '');
    await command('sessions.refresh');
  });

  it('renames and tags', async () => {
    const node = await nodeOf('to be renamed');
    await answering('showInputBox', () => 'Another title', async () => {
      await command('session.rename', node);
    });
    await answering('showInputBox', () => 'keep', async () => {
      await command('session.tag', node);
    });
    const { session } = (await again(node)) ?? {};
    assert.equal(session?.title, 'Another title');
    assert.equal(session.tag, 'keep');
    const { locations } = await activated();
    assert.equal(locations.current?.conversation.title, 'Another title');
  });

  it('forks, and shows the copy', async () => {
    const node = await nodeOf('to be forked');
    await command('session.fork', node);
    const { locations } = await activated();
    const shown = locations.current?.conversation;
    assert.ok(shown?.sessionId);
    assert.notEqual(shown.sessionId, node.session.sessionId);
    assert.deepEqual(shown.messages.map((each) => each.kind ?? each.role), ['user', 'assistant', 'outcome']);
  });

  it('deletes only what the user has confirmed', async () => {
    const node = await nodeOf('to be deleted');
    await answering('showWarningMessage', () => undefined, async () => {
      await command('session.delete', node);
    });
    assert.ok(await again(node));
    const { locations } = await activated();
    const asked = (): readonly string[] => locations.services.history.of(folder());
    assert.ok(asked().includes('to be deleted'));
    await answering('showWarningMessage', () => 'Delete', async () => {
      await command('session.delete', node);
    });
    assert.equal(await again(node), undefined);
    assert.ok(!asked().includes('to be deleted'));
    assert.ok(asked().length > 0);
    assert.equal(locations.current?.conversation.sessionId, undefined);
  });

  it('exports to the file that is chosen', async () => {
    const node = await nodeOf('to be exported');
    const target = vscode.Uri.joinPath(folder().uri, 'exported.md');
    await answering('showSaveDialog', () => target, async () => {
      await command('session.export', node);
    });
    assert.match(await readFile(target.fsPath, 'utf8'), /to be exported/);
  });

  it('opens one here, in a tab, and as a document', async () => {
    const node = await nodeOf('to be opened');
    await command('newSession');
    await command('session.open', node);
    const { locations } = await activated();
    assert.equal(locations.current?.conversation.sessionId, node.session.sessionId);
    await command('session.openInEditor', node);
    await eventually(() => locations.tabs.views.length === 1);
    await command('session.show', node);
    await eventually(() => vscode.window.activeTextEditor?.document.getText().includes('to be opened'));
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });
});
