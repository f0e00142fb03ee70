/** What a list says of a session besides its title: where it is from, and when it goes for good. */
import type { Session } from '../../shared/protocol';
import { plain } from '../plainText';
import { dateOf } from './days';

/** Returns its marks, in a few words each. */
export function marksOf(session: Session): string[] {
  const marks = [];
  if (session.elsewhere != null) {
    const folder = plain(nameOf(session.workspace), 30);
    marks.push(session.elsewhere === 'gone' ? `from ${folder}, which is gone` : `in ${folder}`);
  }
  if (session.goesAt != null) {
    marks.push(`deleted on ${dateOf(session.goesAt)}`);
  }
  return marks;
}

/** Returns what to do about that, in sentences. */
export function adviceOf(session: Session): string[] {
  const advice = [];
  if (session.elsewhere === 'gone') {
    advice.push('Its folder is gone. Open it to go on with it here.');
  } else if (session.elsewhere === 'worktree') {
    advice.push('It is of another worktree. Open that folder to go on with it.');
  }
  if (session.goesAt != null) {
    advice.push('Tag it "keep" to keep it.');
  }
  return advice;
}

function nameOf(uri: string): string {
  const last = uri.slice(uri.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
