/** What the user has asked before in a folder, for the arrow keys of the prompt. */
import type * as vscode from 'vscode';

const MOST = 100;

interface Entry {
  readonly prompt: string;
  /** The session that it was asked in last; undefined where it has not come that far. */
  readonly sessionId?: string | undefined;
}

export class PromptHistory {
  /** @param state Outlives the window. */
  constructor(private readonly state: vscode.Memento) {}

  /** The prompts, the newest last. */
  of(folder: vscode.WorkspaceFolder): readonly string[] {
    return this.entries(folder).map((each) => each.prompt);
  }

  /** @param sessionId The session; undefined if it is still to begin. */
  add(folder: vscode.WorkspaceFolder, prompt: string, sessionId: string | undefined): void {
    const others = this.entries(folder).filter((each) => each.prompt !== prompt);
    this.keep(folder, [...others, { prompt, sessionId }].slice(-MOST));
  }

  /** Forgets what was asked in a session that is deleted. */
  forget(folder: vscode.WorkspaceFolder, sessionId: string): void {
    this.keep(
      folder,
      this.entries(folder).filter((each) => each.sessionId !== sessionId),
    );
  }

  private entries(folder: vscode.WorkspaceFolder): readonly Entry[] {
    const kept = this.state.get<readonly (Entry | string)[]>(keyOf(folder), []);
    // Before sessions were noted, an entry was its prompt.
    return kept.map((each) => (typeof each === 'string' ? { prompt: each } : each));
  }

  private keep(folder: vscode.WorkspaceFolder, entries: readonly Entry[]): void {
    void this.state.update(keyOf(folder), entries);
  }
}

function keyOf(folder: vscode.WorkspaceFolder): string {
  return `history ${folder.uri.toString()}`;
}
