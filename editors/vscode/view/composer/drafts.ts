/** What was written and not sent: each conversation has its own, and it is there again with it. */
import type { State } from '../../shared/messages';
import { remember, remembered } from '../host';

const MOST = 50;

type Which = Pick<State, 'sessionId' | 'folderUri'>;

/** Where nothing has been shown yet. */
const NONE = keyOf({ sessionId: undefined, folderUri: '' });

export const drafts = {
  /** What was being written when the window closed. */
  get current(): string {
    return remembered().draft;
  },

  keep(draft: string): void {
    remember({ draft });
  },

  /** The conversation that is shown has a session now, or another one; it keeps its draft. */
  follow({ sessionId, folderUri }: Which): void {
    remember({ sessionId, folderUri });
  },

  /** Returns the draft of another conversation that is shown; undefined if it is the same one. */
  turnTo(state: Which): string | undefined {
    const { draft, drafts: kept } = remembered();
    const [before, now] = [keyOf(remembered()), keyOf(state)];
    if (before === now || before === NONE) {
      return undefined;
    }
    const others = Object.entries(kept).filter(([key]) => key !== before && key !== now);
    const left = draft === '' ? [] : [[before, draft] as const];
    const wanted = kept[now] ?? '';
    remember({ draft: wanted, drafts: Object.fromEntries([...others, ...left].slice(-MOST)) });
    return wanted;
  },
};

function keyOf({ sessionId, folderUri }: Which): string {
  return sessionId ?? `new in ${folderUri}`;
}
