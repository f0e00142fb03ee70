/** How each session's prompts are run: what the user has chosen outlives the window. */
import type * as vscode from 'vscode';

const KEY = 'choices';
const MOST = 100;

/** How the next prompt is run; what is undefined is left to the settings and the CLI. */
export interface Choice {
  readonly model: string | undefined;
  readonly effort: string | undefined;
  readonly mode: string;
}

type Kept = readonly [sessionId: string, choice: Choice];

export class Choices {
  /** @param state Outlives the window. */
  constructor(private readonly state: vscode.Memento) {}

  of(sessionId: string): Choice | undefined {
    return this.kept().find(([id]) => id === sessionId)?.[1];
  }

  /** Remembers a choice; that nothing is asked at all holds for one window alone. */
  keep(sessionId: string, choice: Choice): void {
    const others = this.kept().filter(([id]) => id !== sessionId);
    const now: readonly Kept[] = choice.mode === 'bypassPermissions' ? [] : [[sessionId, choice]];
    void this.state.update(KEY, [...others, ...now].slice(-MOST));
  }

  private kept(): readonly Kept[] {
    return this.state.get<Kept[]>(KEY, []);
  }
}
