/** What runs have changed and nobody has looked at yet. */

import type { Rewind } from './rewind';

export interface ReviewList {
  readonly files: readonly ReviewedFile[];
  readonly unseen?: readonly string[];
}

/** A file with something to be looked at. */
export interface ReviewedFile {
  readonly uri: string;
  readonly sessionId: string;
  readonly change: 'created' | 'edited' | 'deleted';
  readonly movedFrom?: string;
  readonly movedTo?: string;
  readonly hunks: readonly Hunk[];
}

/** Lines that runs have changed, where they are now. */
export interface Hunk {
  readonly hunkId: string;
  readonly range: { readonly start: Place; readonly end: Place };
  readonly insertions: number;
  readonly deletions: number;
  readonly diff: string;
  readonly truncated?: boolean;
  readonly runs: readonly HunkRun[];
  /** Why it can't be taken back. */
  readonly reason?: string;
}

interface Place {
  readonly line: number;
  readonly character: number;
}

/** A run that has changed a hunk. */
export interface HunkRun {
  readonly runId: string;
  readonly messageId?: string;
  readonly prompt?: string;
  readonly at?: string;
  readonly cause?: string;
}

export type ReviewUndone = Rewind & {
  readonly undone: readonly { readonly sessionId: string; readonly undoId: string }[];
};
