/** Files that a prompt may name after `@`. */
import * as path from 'node:path';
import * as vscode from 'vscode';

const MOST = 30;
const SEARCHED = 2000;

/**
 * Finds files of a folder by a part of their path; what VS Code's search leaves out is left out.
 *
 * @returns Paths below the folder, those whose name begins with the query first.
 */
export async function findFiles(
  query: string,
  folder: vscode.WorkspaceFolder,
): Promise<readonly string[]> {
  const safe = query.replace(/[^\p{L}\p{N}._\-/ ]/gu, '?');
  const letters = safe.replaceAll(/./gu, caseless);
  const pattern = new vscode.RelativePattern(folder, letters === '' ? '**/*' : `**/*${letters}*`);
  const deeper = new vscode.RelativePattern(folder, `**/*${letters}*/**`);
  const left = leftOut(folder);
  const found = await vscode.workspace.findFiles(pattern, left, SEARCHED);
  const below = letters === '' ? [] : await vscode.workspace.findFiles(deeper, left, MOST);
  const names = [...found, ...below].map((uri) =>
    path.relative(folder.uri.fsPath, uri.fsPath).replaceAll(path.sep, '/'),
  );
  return [...new Set(names)]
    .sort((one, other) => rank(one, query) - rank(other, query) || one.length - other.length)
    .slice(0, MOST);
}

/** What the user's search and explorer leave out: `findFiles` by itself only does the latter. */
function leftOut(folder: vscode.WorkspaceFolder): string {
  const globs = ['search', 'files'].flatMap((section) =>
    Object.entries(
      vscode.workspace.getConfiguration(section, folder).get<Record<string, unknown>>('exclude', {}),
    )
      .filter(([, excluded]) => excluded === true)
      .map(([glob]) => glob),
  );
  return `{${globs.join(',')}}`;
}

function caseless(letter: string): string {
  const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()];
  return lower === upper ? letter : `[${lower}${upper}]`;
}

function rank(name: string, query: string): number {
  return path.posix.basename(name).toLowerCase().startsWith(query.toLowerCase()) ? 0 : 1;
}
