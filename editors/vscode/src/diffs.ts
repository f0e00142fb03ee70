/** Edits of the agent in VS Code's own diff editor, and its plans as documents. */
import { readFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ToolStatus } from '../shared/protocol';
import { fetchingNothing } from './plainText';

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
  const text = await readFile(file.fsPath, 'utf8').catch(() => undefined);
  const sides = call.tool === 'Write' ? sidesOfWrite(call, file, text) : sidesOfEdit(call, file, text);
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

function sidesOfWrite({ input, status, created }: EditCall, file: vscode.Uri, text: string | undefined): Sides {
  const content = words(input.content);
  if (status !== 'completed') {
    return { before: text === undefined ? '' : file, after: content };
  }
  return { before: created ? '' : undefined, after: text === content ? file : content };
}

function sidesOfEdit({ input, status }: EditCall, file: vscode.Uri, text: string | undefined): Sides {
  const [old, fresh] = [words(input.old_string), words(input.new_string)];
  const ofItself = { before: old, after: fresh };
  if (text === undefined) {
    return ofItself;
  }
  if (status === 'completed') {
    return isOnce(fresh, text) ? { before: text.replace(fresh, () => old), after: file } : ofItself;
  }
  if (input.replace_all === true && old !== '') {
    return { before: file, after: text.replaceAll(old, () => fresh) };
  }
  return isOnce(old, text) ? { before: file, after: text.replace(old, () => fresh) } : ofItself;
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isOnce(part: string, text: string): boolean {
  return part !== '' && text.split(part).length === 2;
}
