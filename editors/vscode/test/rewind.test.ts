import * as assert from 'node:assert/strict';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { SessionNode } from '../src/sessions/tree';
import {
  activated,
  answering,
  command,
  eventually,
  folder,
  freshConversation,
  replacing,
  type Shown,
} from './support';

const FILES = ['kept.txt', 'other.txt'] as const;
const CHANGED = ['one 2\n', 'red\n'];
const ORIGINAL = ['one two\n', 'blue\n'];

function here(name: string): string {
  return vscode.Uri.joinPath(folder().uri, name).fsPath;
}

async function held(): Promise<string[]> {
  return Promise.all(FILES.map(async (name) => readFile(here(name), 'utf8')));
}

/** Has the agent change two files and make a third; returns its session. */
async function changed(): Promise<SessionNode> {
  const [kept, other] = ORIGINAL;
  await rm(here('made.txt'), { force: true });
  await writeFile(here('kept.txt'), kept ?? '');
  await writeFile(here('other.txt'), other ?? '');
  const conversation = await freshConversation();
  const { locations } = await activated();
  const asked = command('ask', 'change the files');
  const question = await eventually(() => locations.services.questions.all[0]);
  await locations.services.questions.answer(question.questionId, 'allow');
  await asked;
  assert.deepEqual(await held(), CHANGED);
  return nodeOf(conversation.sessionId);
}

async function nodeOf(sessionId: string | undefined): Promise<SessionNode> {
  const { tree } = await activated();
  const days = await tree.getChildren();
  const all = (await Promise.all(days.map(async (day) => tree.getChildren(day)))).flat();
  const node = all.find(
    (each): each is SessionNode => each.kind === 'session' && each.session.sessionId === sessionId,
  );
  assert.ok(node);
  return node;
}

/** The text of the preview that stands in an editor, if one does. */
function preview(): string | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document?.uri.scheme === 'claude-agent' ? document.getText() : undefined;
}

/**
 * Executes a command that asks, and returns the texts of its previews and all messages.
 *
 * @param choose Given how often it has asked, returns the place of the button that is chosen.
 */
async function asking(
  name: 'rewind' | 'redo',
  node: SessionNode,
  choose: (times: number) => number | undefined | Promise<number | undefined>,
): Promise<{ previews: string[]; messages: string[]; prompts: Shown[] }> {
  const previews: string[] = [];
  let prompts: Shown[] = [];
  const answer = async (_: string, ...buttons: string[]): Promise<string | undefined> => {
    if (buttons.length === 0) {
      return undefined;
    }
    previews.push(preview() ?? '');
    const place = await choose(previews.length);
    return place === undefined ? undefined : buttons[place];
  };
  const messages = await answering('showInformationMessage', answer, async () => {
    prompts = await answering('showQuickPick', ([first]: vscode.QuickPickItem[]) => first, async () => {
      await command(`session.${name}`, node);
    });
  });
  assert.equal(preview(), undefined, 'its preview is closed again');
  return { previews, messages: messages.map(([message]) => String(message)), prompts };
}

describe('files put back', () => {
  it('are as before the prompt, and forward again, after they were shown', async () => {
    const node = await changed();
    const back = await asking('rewind', node, () => 0);
    assert.deepEqual(back.prompts.map(([items]) => (items as vscode.QuickPickItem[])[0]?.label), ['change the files']);
    assert.equal(back.previews.length, 1);
    assert.match(back.previews[0] ?? '', /\n-one 2\n\+one two\n/);
    assert.match(back.previews[0] ?? '', /\n-new\n?/);
    assert.deepEqual(back.messages, ['Change 3 files as shown?', '3 files put back.']);
    assert.deepEqual(await held(), ORIGINAL);
    await assert.rejects(access(here('made.txt')));
    const forward = await asking('redo', node, () => 0);
    assert.match(forward.previews[0] ?? '', /\n-one two\n\+one 2\n/);
    assert.deepEqual(forward.messages.at(-1), '3 files as before they were put back.');
    assert.deepEqual(await held(), CHANGED);
    assert.equal(await readFile(here('made.txt'), 'utf8'), 'new\n');
    const failed = await answering('showErrorMessage', () => undefined, async () => {
      await asking('redo', node, () => 0);
    });
    assert.match(String(failed[0]?.[0]), /no rewind to be redone/);
  });

  it('stay as they are after a no, and after a notification that is closed', async () => {
    const node = await changed();
    for (const place of [1, undefined]) {
      const { previews, messages } = await asking('rewind', node, () => place);
      assert.equal(previews.length, 1);
      assert.deepEqual(messages, ['Change 3 files as shown?']);
      assert.deepEqual(await held(), CHANGED);
    }
  });

  it('leave those alone that the user has changed since, and name them', async () => {
    const node = await changed();
    await writeFile(here('other.txt'), 'my own\n');
    const { previews, messages } = await asking('rewind', node, () => 0);
    assert.match(previews[0] ?? '', /^# stays as it is: other\.txt \(.+\)$/m);
    assert.deepEqual(messages, ['Change 2 files as shown?', '2 files put back, 1 file left alone.']);
    assert.deepEqual(await held(), [ORIGINAL[0], 'my own\n']);
  });

  it('are none where the user has changed them all, and it is said why', async () => {
    const node = await changed();
    await Promise.all([...FILES, 'made.txt'].map(async (name) => writeFile(here(name), 'my own\n')));
    const messages = await answering('showInformationMessage', () => undefined, async () => {
      await answering('showQuickPick', ([first]: vscode.QuickPickItem[]) => first, async () => {
        await command('session.rewind', node);
      });
    });
    assert.deepEqual(messages, [['No file can be put back: the document says why.']]);
    assert.equal(preview()?.match(/^# stays as it is: /gm)?.length, 3);
    assert.deepEqual(await held(), ['my own\n', 'my own\n']);
  });

  it('are shown anew where one is changed while the user looks', async () => {
    const node = await changed();
    const { previews, messages } = await asking('rewind', node, async (times) => {
      if (times > 1) {
        return 1;
      }
      await writeFile(here('other.txt'), 'meanwhile\n');
      return 0;
    });
    assert.deepEqual(messages, ['Change 3 files as shown?', 'Change 2 files as shown?']);
    assert.doesNotMatch(previews[0] ?? '', /stays as it is/);
    assert.match(previews[1] ?? '', /^# stays as it is: other\.txt/m);
    assert.deepEqual(await held(), [CHANGED[0], 'meanwhile\n']);
  });

  it('say what an editor has not saved', async () => {
    const node = await changed();
    const document = await vscode.workspace.openTextDocument(here('kept.txt'));
    await replacing(vscode.workspace, 'textDocuments', [{ uri: document.uri, isDirty: true }], async () => {
      const { previews } = await asking('rewind', node, () => 1);
      assert.match(previews[0] ?? '', /^# changed in the editor and not saved.*: kept\.txt$/m);
      assert.doesNotMatch(previews[0] ?? '', /not saved.*: other\.txt/);
    });
  });

  it('are none where a prompt has changed none', async () => {
    const conversation = await freshConversation();
    await command('ask', 'change nothing at all');
    const node = await nodeOf(conversation.sessionId);
    const { messages } = await asking('rewind', node, () => 0);
    assert.deepEqual(messages, ['There is nothing to put back.']);
  });
});
