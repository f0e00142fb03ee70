/** What the user has asked, with what went with it. */
import { element, icon } from '../dom';
import { oneLine } from '../visible';

/** @param context Labels of the files, lines and diagnostics that were given. */
export function promptOf(text: string, context: readonly string[]): HTMLElement {
  const chips = context.map((label) =>
    element('li', { class: 'chip' }, icon('attach'), element('span', {}, oneLine(label))),
  );
  return element(
    'div',
    { class: 'prompt' },
    element('h2', { class: 'unseen' }, 'You asked'),
    element('div', { class: 'prompt-text', dir: 'auto' }, text),
    chips.length > 0 ? element('ul', { class: 'chips', 'aria-label': 'Context' }, ...chips) : undefined,
  );
}
