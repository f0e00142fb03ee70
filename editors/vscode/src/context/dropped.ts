/** Files that were dropped on a view, which names them as the window does. */
import * as vscode from 'vscode';

const REMOTE = 'vscode-remote';

/** What of it can be attached, and what can't. */
export interface Dropped {
  readonly files: readonly string[];
  readonly others: readonly string[];
}

/**
 * Tells files of the host that the agent works on from all else.
 *
 * A window of a remote host (SSH, a container, WSL, a browser) calls its files `vscode-remote:`,
 * and by `file:` it means those of the machine that the user sits at.
 *
 * @param remoteName The kind of remote host, as `vscode.env` has it.
 */
export function dropped(uris: readonly string[], remoteName: string | undefined): Dropped {
  const files: string[] = [];
  const others: string[] = [];
  for (const given of uris) {
    const uri = vscode.Uri.parse(given);
    if (uri.scheme === REMOTE) {
      files.push(uri.with({ scheme: 'file', authority: '' }).toString());
    } else if (uri.scheme === 'file' && remoteName === undefined) {
      files.push(uri.toString());
    } else {
      others.push(given);
    }
  }
  return { files, others };
}
