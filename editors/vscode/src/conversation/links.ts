/** Links of an answer: files open at their line, the web in the browser, anything else nowhere. */
import { stat } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';

const LINE = /[:#]L?(\d+)(?:[:-]L?\d+)*$/;

/**
 * Opens what a link leads to.
 *
 * @param href As the agent wrote it: "src/a.py#L3", "a.py:3", "https://…".
 * @param folder What a relative path is relative to.
 */
export async function openLink(href: string, folder: vscode.Uri): Promise<void> {
  if (/^https?:\/\//i.test(href)) {
    // VS Code asks before it opens a place that the user hasn't said to trust.
    await vscode.env.openExternal(vscode.Uri.parse(href, true));
    return;
  }
  const target = fileOf(href, folder);
  if (target === undefined) {
    return;
  }
  const found = await stat(target.uri.fsPath).catch(() => undefined);
  if (found?.isDirectory() === true) {
    await vscode.commands.executeCommand('revealInExplorer', target.uri);
  } else if (found?.isFile() === true) {
    await openFile(target.uri, target.line);
  } else {
    void vscode.window.showWarningMessage('The file does not exist.');
  }
}

/** Opens a file, at a line that counts from 0. */
export async function openFile(uri: vscode.Uri, line: number | undefined): Promise<void> {
  const options: vscode.TextDocumentShowOptions = { preview: true };
  if (line !== undefined) {
    options.selection = new vscode.Range(line, 0, line, 0);
  }
  await vscode.commands.executeCommand('vscode.open', uri, options);
}

/** Returns undefined for what is no file: `command:`, `vscode:`, `javascript:` and their like. */
export function fileOf(
  href: string,
  folder: vscode.Uri,
): { readonly uri: vscode.Uri; readonly line: number | undefined } | undefined {
  const text = decoded(href);
  const line = LINE.exec(text);
  const bare = text.replace(LINE, '');
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(bare)?.[1]?.toLowerCase();
  if (bare === '' || (scheme !== undefined && scheme !== 'file')) {
    return undefined;
  }
  const name = scheme === 'file' ? vscode.Uri.parse(bare).fsPath : bare;
  return {
    uri: vscode.Uri.file(path.resolve(folder.fsPath, name)),
    line: line?.[1] === undefined ? undefined : Math.max(0, Number(line[1]) - 1),
  };
}

function decoded(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}
