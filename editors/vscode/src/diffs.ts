/** Edits of the agent in VS Code's own diff editor, and its plans as documents. */
import { readFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';

export const SCHEME = 'claude-agent';
const MOST = 100;

/** A tool call that changes a file. */
export interface EditCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
}

interface Sides {
  readonly file: vscode.Uri;
  readonly before: string | vscode.Uri;
  readonly after: string | vscode.Uri;
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
 * Opens what an edit would change, or has changed.
 *
 * @param done Whether it is done already.
 * @returns The side that shows it afterwards.
 */
export async function openDiff(
  call: EditCall,
  done: boolean,
  documents: Documents,
): Promise<vscode.Uri> {
  const sides = await sidesOf(call, done);
  const side = (content: string | vscode.Uri): vscode.Uri =>
    typeof content === 'string' ? documents.add(sides.file.path, content) : content;
  const name = path.basename(sides.file.fsPath);
  const title = done ? `${name} (edited by the agent)` : `${name} (the agent wants to edit it)`;
  const after = side(sides.after);
  await vscode.commands.executeCommand('vscode.diff', side(sides.before), after, title, {
    preview: true,
    preserveFocus: true,
  });
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
  const uri = documents.add('Plan.md', plan);
  await vscode.workspace.openTextDocument(uri);
  await vscode.commands.executeCommand('markdown.showPreview', uri);
}

async function sidesOf({ tool, input }: EditCall, done: boolean): Promise<Sides> {
  const file = vscode.Uri.file(words(input.file_path));
  const text = await readFile(file.fsPath, 'utf8').catch(() => undefined);
  if (tool === 'Write') {
    const content = words(input.content);
    return done
      ? { file, before: '', after: text === undefined ? content : file }
      : { file, before: text === undefined ? '' : file, after: content };
  }
  const old = words(input.old_string);
  const fresh = words(input.new_string);
  if (text === undefined) {
    return { file, before: old, after: fresh };
  }
  const all = input.replace_all === true;
  if (done) {
    const before = replace(text, fresh, old, all);
    return before === undefined ? { file, before: old, after: fresh } : { file, before, after: file };
  }
  const after = replace(text, old, fresh, all);
  return after === undefined ? { file, before: old, after: fresh } : { file, before: file, after };
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Returns undefined where there is nothing to replace: the file has gone on since. */
function replace(text: string, from: string, to: string, all: boolean): string | undefined {
  if (from === '' || !text.includes(from)) {
    return undefined;
  }
  return all ? text.replaceAll(from, () => to) : text.replace(from, () => to);
}
