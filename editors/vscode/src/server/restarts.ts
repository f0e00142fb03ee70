/** How often a server that crashes is started again: no crash is hidden, and no loop is endless. */

export const MOST = 4;
export const WITHIN_MS = 180_000;

/** Counts crashes; the fifth within three minutes is the last. */
export class Restarts {
  private times: number[] = [];

  /** @param now A clock, in milliseconds. */
  constructor(private readonly now: () => number = Date.now) {}

  /** Notes a crash; returns whether the server may be started once more. */
  allowed(): boolean {
    const now = this.now();
    this.times = [...this.times.filter((time) => now - time < WITHIN_MS), now];
    return this.times.length <= MOST;
  }

  /** Forgets: the user has asked for a start. */
  clear(): void {
    this.times = [];
  }
}
