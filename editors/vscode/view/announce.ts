/** What a screen reader says beside what has the focus. */
import { element } from './dom';

const polite = element('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
const urgent = element('div', { class: 'unseen', role: 'alert', 'aria-live': 'assertive' });

/** The live regions; they are put into the page before anything is said. */
export const announcers: readonly HTMLElement[] = [polite, urgent];

/**
 * Has a line read out.
 *
 * @param now Whether it interrupts what is being read: a question, an error.
 */
export function announce(line: string, now = false): void {
  const region = now ? urgent : polite;
  // The same line twice is a change, too.
  region.textContent = region.textContent === line ? `${line}\u00a0` : line;
}
