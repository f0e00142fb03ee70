/** Files put back as they were before a prompt, and forward again: shown first, done after a yes. */
import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import type { Rewind } from '../../shared/rewind';
import { readSession } from '../conversation/reading';
import type { Documents } from '../diffs';
import type { Locations } from '../locations';
import { plain } from '../plainText';
import type { SessionNode } from './tree';

type Change = (more: { preview?: boolean; keepConflicts?: boolean }) => Promise<Partial<Rewind>>;

/** Lets the user choose a prompt of a session, and puts files back as they were before it. */
export async function rewind({ session }: SessionNode, { services }: Locations): Promise<void> {
  const { sessionId } = session;
  const { messages } = await readSession(services.server, sessionId);
  const prompts = messages
    .filter(({ role, kind, parentToolCallId }) => role === 'user' && kind == null && parentToolCallId == null)
    .map(({ text, messageId }) => ({ label: plain(text, 80), messageId }))
    .reverse();
  const chosen = await vscode.window.showQuickPick(prompts, {
    title: 'Put Files Back',
    placeHolder: 'As they were before which prompt?',
  });
  if (chosen !== undefined) {
    const { messageId } = chosen;
    await changeAsShown('put back', services.documents, async (more) =>
      services.server.execute('claudeAgent.session.rewind', { sessionId, messageId, ...more }),
    );
  }
}

/** Takes the last rewind of a session back. */
export async function redo({ session }: SessionNode, { services }: Locations): Promise<void> {
  const { sessionId } = session;
  await changeAsShown('as before they were put back', services.documents, async (more) =>
    services.server.execute('claudeAgent.session.redo', { sessionId, ...more }),
  );
}

/** Does what the user has seen: what has become another thing while they looked is shown anew. */
async function changeAsShown(done: string, documents: Documents, change: Change): Promise<void> {
  let seen = await change({ preview: true });
  while (await agrees(seen, documents)) {
    const now = await change({ preview: true });
    if (isDeepStrictEqual(now, seen)) {
      const { filesChanged = [], kept = [] } = await change({ keepConflicts: true });
      const left = kept.length === 0 ? '' : `, ${files(kept.length)} left alone`;
      void vscode.window.showInformationMessage(`${files(filesChanged.length)} ${done}${left}.`);
      return;
    }
    seen = now;
  }
}

/** Shows what would be done, and asks; where nothing would be, there is nothing to ask. */
async function agrees(seen: Partial<Rewind>, documents: Documents): Promise<boolean> {
  const { filesChanged = [], kept = [], unseen = [] } = seen;
  if (filesChanged.length + kept.length + unseen.length === 0) {
    void vscode.window.showInformationMessage('There is nothing to put back.');
    return false;
  }
  const uri = documents.add('Files Put Back.diff', textOf(seen));
  await vscode.window.showTextDocument(uri, { preview: true });
  if (filesChanged.length === 0) {
    void vscode.window.showInformationMessage('No file can be put back: the document says why.');
    return false;
  }
  const yes = `Change ${files(filesChanged.length)}`;
  const chosen = await vscode.window.showInformationMessage(`${yes} as shown?`, yes, 'Cancel');
  await close(uri);
  return chosen === yes;
}

async function close(uri: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const shown = tabs.filter(
    ({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString(),
  );
  await vscode.window.tabGroups.close(shown, true);
}

function textOf({ files: changed = [], kept = [], unseen = [] }: Partial<Rewind>): string {
  const unsaved = vscode.workspace.textDocuments.filter((document) => document.isDirty);
  const dirty = new Set(unsaved.map((document) => document.uri.toString()));
  return [
    ...kept.map(({ uri, reason }) => `# stays as it is: ${pathOf(uri)} (${plain(reason)})`),
    ...unseen.map((reason) => `# not known, what commands have changed: ${plain(reason)}`),
    ...changed.flatMap(({ uri, merged, diff, truncated }) => [
      ...(merged ? [`# what was changed since stays: ${pathOf(uri)}`] : []),
      ...(dirty.has(vscode.Uri.parse(uri).toString())
        ? [`# changed in the editor and not saved, which is not counted in: ${pathOf(uri)}`]
        : []),
      diff.trimEnd(),
      ...(truncated === true ? ['# … the rest is too long to be shown'] : []),
    ]),
  ].join('\n');
}

function pathOf(uri: string): string {
  return plain(vscode.workspace.asRelativePath(vscode.Uri.parse(uri)), 1000);
}

function files(count: number): string {
  return `${String(count)} ${count === 1 ? 'file' : 'files'}`;
}
