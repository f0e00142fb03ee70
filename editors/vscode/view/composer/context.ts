/** What goes with the next prompt: shown before it is sent, and removable. */
import type { ContextItem } from '../../shared/messages';
import { element, icon, iconButton } from '../dom';
import { post } from '../host';
import { oneLine, visible } from '../visible';

const ICONS: Readonly<Record<ContextItem['kind'], string>> = {
  file: 'file',
  selection: 'list-selection',
  diagnostics: 'warning',
  attachment: 'attach',
};

export class ContextChips {
  readonly element = element('ul', { class: 'context chips', 'aria-label': 'Context of the next prompt' });

  /** @param removed Called when an item was taken away: the focus has to go somewhere. */
  constructor(private readonly removed: () => void) {
    this.show([]);
  }

  show(items: readonly ContextItem[]): void {
    this.element.hidden = items.length === 0;
    this.element.replaceChildren(...items.map((item) => this.chip(item)));
  }

  private chip({ id, kind, label, tooltip }: ContextItem): HTMLElement {
    const name = oneLine(label, 80);
    const remove = iconButton('close', `Remove ${name}`, () => {
      post({ type: 'removeContext', id });
      this.removed();
    });
    return element(
      'li',
      { class: 'chip', title: visible(tooltip) },
      icon(ICONS[kind]),
      element('span', {}, name),
      remove,
    );
  }
}
