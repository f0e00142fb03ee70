/** What the user has asked before in a folder, for the arrow keys of the prompt. */
import type * as vscode from 'vscode';

const MOST = 100;

export class PromptHistory {
  /** @param state Outlives the window. */
  constructor(private readonly state: vscode.Memento) {}

  /** The prompts, the newest last. */
  of(folder: vscode.WorkspaceFolder): readonly string[] {
    return this.state.get<string[]>(keyOf(folder), []);
  }

  add(folder: vscode.WorkspaceFolder, prompt: string): void {
    const others = this.of(folder).filter((each) => each !== prompt);
    void this.state.update(keyOf(folder), [...others, prompt].slice(-MOST));
  }
}

function keyOf(folder: vscode.WorkspaceFolder): string {
  return `history ${folder.uri.toString()}`;
}
