/** Going back: files, a conversation, or both. */

/** What a rewind puts back. */
export type Part = 'files' | 'conversation' | 'both';

/** What a rewind answers: without files, nothing of them. */
export type RewindAnswer = Partial<Rewind> & {
  readonly messagesLeft?: number;
  readonly sessionId?: string;
};

/** What is told of a session beside a page of its messages. */
export interface Page {
  readonly nextCursor?: string | null;
  readonly branches?: readonly Branch[];
}

/** A session that has what another one has left by going back. */
export interface Branch {
  readonly sessionId: string;
  readonly at: string;
  readonly messageId: string;
}

/** What putting files back changes, or would change. */
export interface Rewind {
  readonly filesChanged: readonly string[];
  readonly insertions: number;
  readonly deletions: number;
  readonly kept?: readonly { readonly uri: string; readonly reason: string; readonly conflict: boolean }[];
  readonly files?: readonly RewoundFile[];
  readonly unseen?: readonly string[];
}

/** A file in a preview of a rewind. */
export interface RewoundFile {
  readonly uri: string;
  readonly change: 'created' | 'edited' | 'deleted';
  readonly insertions: number;
  readonly deletions: number;
  readonly merged: boolean;
  readonly diff: string;
  readonly truncated?: boolean;
}
