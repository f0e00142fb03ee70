/** A button that shows what is chosen, and opens a list to choose something else. */
import { element, freshId, icon } from '../dom';
import { type Option, OptionList } from './optionList';

export class Picker {
  readonly element: HTMLElement;
  private readonly sign = element('span', { class: 'picker-icon' });
  private readonly label = element('span', { class: 'picker-label' });
  private readonly button: HTMLButtonElement;
  private readonly list: OptionList;
  private options: readonly Option[] = [];
  private chosen = '';

  /**
   * @param name What is chosen: "Model".
   * @param choose Called with the value that was chosen.
   * @param opened Called before the list is shown.
   */
  constructor(
    private readonly name: string,
    choose: (value: string) => void,
    private readonly opened: () => void,
  ) {
    this.list = new OptionList(name, ({ value }) => {
      this.close();
      choose(value);
    });
    this.button = element(
      'button',
      {
        ...{ type: 'button', class: 'picker-button', id: freshId('picker'), 'aria-haspopup': 'listbox' },
        ...{ 'aria-expanded': 'false', 'aria-controls': this.list.element.id },
      },
      this.sign,
      this.label,
      icon('chevron-down'),
    );
    this.button.addEventListener('click', () => (this.list.open ? this.close() : this.open()));
    this.list.element.addEventListener('keydown', (event) => this.key(event));
    this.list.element.addEventListener('focusout', () => this.close(false));
    this.element = element('div', { class: 'picker' }, this.button, this.list.element);
  }

  /** Says what can be chosen, and what is. */
  show(options: readonly Option[], chosen: string): void {
    this.options = options;
    this.chosen = chosen;
    const option = options.find(({ value }) => value === chosen);
    const label = option?.label ?? chosen;
    this.label.textContent = label;
    this.sign.replaceChildren(...(option?.icon === undefined ? [] : [icon(option.icon)]));
    this.button.dataset.value = chosen;
    this.button.setAttribute('aria-label', `${this.name}: ${label}`);
    this.button.title = `${this.name}: ${label}`;
    if (this.list.open) {
      this.fill();
    }
  }

  set disabled(disabled: boolean) {
    this.button.disabled = disabled;
  }

  private open(): void {
    this.opened();
    this.fill();
    this.button.setAttribute('aria-expanded', 'true');
    this.list.element.focus();
  }

  private fill(): void {
    this.list.show(this.options, this.chosen);
    this.follow();
  }

  private close(back = true): void {
    if (this.list.open) {
      this.list.hide();
      this.button.setAttribute('aria-expanded', 'false');
      if (back) {
        this.button.focus();
      }
    }
  }

  private follow(): void {
    this.list.element.setAttribute('aria-activedescendant', this.list.currentId ?? '');
  }

  private key(event: KeyboardEvent): void {
    const acts: Readonly<Record<string, () => void>> = {
      ArrowDown: () => this.list.move(1),
      ArrowUp: () => this.list.move(-1),
      Home: () => this.list.activate(0),
      End: () => this.list.last(),
      Escape: () => this.close(),
      Enter: () => this.list.pick(),
      ' ': () => this.list.pick(),
    };
    const act = acts[event.key];
    if (act !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      act();
    } else if (event.key.length === 1) {
      this.list.seek(event.key.toLowerCase());
    }
    this.follow();
  }
}
