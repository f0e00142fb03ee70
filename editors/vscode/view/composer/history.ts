/** What was asked before, by the arrow keys, as in a shell. */

export class PromptHistory {
  private prompts: readonly string[] = [];
  private at = 0;
  private draft = '';

  /** @param prompts The newest last. */
  fill(prompts: readonly string[]): void {
    this.prompts = prompts;
    this.at = prompts.length;
  }

  add(prompt: string): void {
    this.fill([...this.prompts.filter((each) => each !== prompt), prompt]);
  }

  /** Whether an old prompt is shown. */
  get browsing(): boolean {
    return this.at < this.prompts.length;
  }

  /**
   * Returns the prompt before; undefined at the first one.
   *
   * @param shown What stands in the composer: it comes back after the newest prompt.
   */
  back(shown: string): string | undefined {
    if (!this.browsing) {
      this.draft = shown;
    }
    if (this.at === 0) {
      return undefined;
    }
    this.at -= 1;
    return this.prompts[this.at];
  }

  /** Returns the prompt after, at last what was being written; undefined if that is shown. */
  forward(): string | undefined {
    if (!this.browsing) {
      return undefined;
    }
    this.at += 1;
    return this.prompts[this.at] ?? this.draft;
  }

  /** The user writes: what is shown is a new prompt now. */
  leave(): void {
    this.at = this.prompts.length;
  }
}
