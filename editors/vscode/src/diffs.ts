/** Edits of the agent in VS Code's own diff editor, and its plans as documents. */
import { readFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ToolStatus } from '../shared/protocol';
import { fetchingNothing } from './plainText';
import { liveDocuments } from './settings';

export const SCHEME = 'claude-agent';
const MOST = 100;
const TITLES: Readonly<Record<ToolStatus | 'wanted', string>> = {
  wanted: 'the agent wants to edit it',
  completed: 'edited by the agent',
  failed: 'not edited',
  denied: 'not edited',
};

/** A tool call that changes a file. */
export interface EditCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** What has become of it; undefined while it waits or is at work. */
  readonly status: ToolStatus | undefined;
  /** Whether the file was not there before. */
  readonly created: boolean;
}

type Side = string | vscode.Uri;

/** A file as the agent finds it. */
interface Seen {
  /** Undefined for a file that isn't there. */
  readonly text: string | undefined;
  /** What shows this text, and nothing else. */
  readonly side: Side;
}

interface Sides {
  /** Undefined where nobody knows any more. */
  readonly before: Side | undefined;
  readonly after: Side;
}

/** Texts that stand in no file: one side of a diff, or a plan. */
export class Documents implements vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private next = 1;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.query) ?? '';
  }

  /**
   * Keeps a text as a document.
   *
   * @param name A path, whose last part is shown and tells the language.
   */
  add(name: string, text: string): vscode.Uri {
    const id = String(this.next++);
    this.texts.set(id, text);
    for (const old of [...this.texts.keys()].slice(0, -MOST)) {
      this.texts.delete(old);
    }
    return vscode.Uri.from({ scheme: SCHEME, path: path.posix.join('/', name), query: id });
  }
}

/** Whether a tool call has something to show in a diff editor. */
export function changesFile({ tool, input }: EditCall): boolean {
  return ['Edit', 'Write'].includes(tool) && typeof input.file_path === 'string';
}

/** Returns the plan that a tool call proposes. */
export function planOf({ tool, input }: EditCall): string | undefined {
  return tool === 'ExitPlanMode' && typeof input.plan === 'string' ? input.plan : undefined;
}

/**
 * Opens what an edit would change, or has changed. Where that can't be told for sure of the whole
 * file, since the file has gone on, it is the edit's own words.
 *
 * @returns The side that shows it afterwards.
 */
export async function openDiff(call: EditCall, documents: Documents): Promise<vscode.Uri> {
  const file = vscode.Uri.file(words(call.input.file_path));
  const now = await seenByAgent(file);
  const sides = call.tool === 'Write' ? sidesOfWrite(call, now) : sidesOfEdit(call, now);
  const shown = (side: Side): vscode.Uri =>
    typeof side === 'string' ? documents.add(file.path, side) : side;
  const after = shown(sides.after);
  const options = { preview: true, preserveFocus: true };
  const title = `${path.basename(file.fsPath)} (${TITLES[call.status ?? 'wanted']})`;
  if (sides.before === undefined) {
    await vscode.commands.executeCommand('vscode.open', after, options, title);
  } else {
    await vscode.commands.executeCommand('vscode.diff', shown(sides.before), after, title, options);
  }
  return after;
}

/** Closes a diff that was opened, if it still is. */
export async function closeDiff(after: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  const shown = tabs.filter(
    ({ input }) =>
      input instanceof vscode.TabInputTextDiff && input.modified.toString() === after.toString(),
  );
  await vscode.window.tabGroups.close(shown, true);
}

/** Opens a plan as a Markdown preview. */
export async function openPlan(plan: string, documents: Documents): Promise<void> {
  const uri = documents.add('Plan.md', fetchingNothing(plan));
  await vscode.workspace.openTextDocument(uri);
  await vscode.commands.executeCommand('markdown.showPreview', uri);
}

/**
 * Returns a file as the agent finds it: as the editor has it where documents are live, else as the
 * disk has it. VS Code shows a file as the editor has it, so that of one with unsaved text the
 * disk's has to be shown as a text.
 */
async function seenByAgent(file: vscode.Uri): Promise<Seen> {
  const document = vscode.workspace.textDocuments.find(({ uri }) => uri.toString() === file.toString());
  if (document !== undefined && liveDocuments(file)) {
    return { text: document.getText(), side: file };
  }
  const text = await readFile(file.fsPath, 'utf8').catch(() => undefined);
  return { text, side: document?.isDirty === true ? (text ?? '') : file };
}

function sidesOfWrite({ input, status, created }: EditCall, { text, side }: Seen): Sides {
  const content = words(input.content);
  if (status !== 'completed') {
    return { before: text === undefined ? '' : side, after: content };
  }
  return { before: created ? '' : undefined, after: text === content ? side : content };
}

function sidesOfEdit({ input, status }: EditCall, { text, side }: Seen): Sides {
  const [old, fresh] = [words(input.old_string), words(input.new_string)];
  const ofItself = { before: old, after: fresh };
  if (text === undefined) {
    return ofItself;
  }
  if (status === 'completed') {
    return isOnce(fresh, text) ? { before: text.replace(fresh, () => old), after: side } : ofItself;
  }
  if (input.replace_all === true && old !== '') {
    return { before: side, after: text.replaceAll(old, () => fresh) };
  }
  return isOnce(old, text) ? { before: side, after: text.replace(old, () => fresh) } : ofItself;
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isOnce(part: string, text: string): boolean {
  return part !== '' && text.split(part).length === 2;
}
