/** What is worth knowing and is no part of what was said. */
import { element, icon } from '../dom';
import { tokens } from '../figures';
import { visible, withCode } from '../visible';

export function compactionOf(before: number, after: number | null | undefined): string {
  const left = after == null ? 'fewer' : tokens(after);
  return `The conversation was compacted, from ${tokens(before)} tokens to ${left}.`;
}

export function noticeOf(level: 'info' | 'warning' | 'error', text: string): HTMLElement {
  return element('div', { class: 'notice', 'data-level': level }, icon(level), element('span', { dir: 'auto' }, ...withCode(visible(text))));
}
