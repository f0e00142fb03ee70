/** A list to choose one thing from, by arrow keys or mouse. What has the focus stays elsewhere. */
import { element, freshId, icon } from '../dom';

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly description?: string | undefined;
  readonly icon?: string | undefined;
}

export class OptionList {
  readonly element = element('ul', { class: 'options', role: 'listbox', id: freshId('options'), tabindex: '-1' });
  private options: readonly Option[] = [];
  private active = -1;

  /**
   * @param name What is chosen: "Files", "Model".
   * @param choose Called with what was chosen.
   */
  constructor(
    name: string,
    private readonly choose: (option: Option) => void,
  ) {
    this.name(name);
    this.element.hidden = true;
    this.element.addEventListener('mousedown', (event) => event.preventDefault()); // keep the focus
    this.element.addEventListener('click', ({ target }) => {
      const rows = [...this.element.children];
      this.take(rows.findIndex((row) => target instanceof Node && row.contains(target)));
    });
  }

  get open(): boolean {
    return !this.element.hidden;
  }

  get current(): Option | undefined {
    return this.options[this.active];
  }

  /** The id of the active option's element, for `aria-activedescendant`. */
  get currentId(): string | undefined {
    return this.element.children[this.active]?.id;
  }

  name(name: string): void {
    this.element.setAttribute('aria-label', name);
  }

  /** Shows options; the one with the chosen value is active, else the first. */
  show(options: readonly Option[], chosen?: string): void {
    this.options = options;
    this.element.replaceChildren(
      ...options.map((option) =>
        element(
          'li',
          {
            role: 'option',
            id: freshId('option'),
            'aria-selected': String(option.value === chosen),
            title: option.description,
            'data-value': option.value,
          },
          option.icon === undefined ? undefined : icon(option.icon),
          element('span', { class: 'option-label' }, option.label),
          option.description === undefined
            ? undefined
            : element('span', { class: 'option-description' }, option.description),
        ),
      ),
    );
    this.element.hidden = options.length === 0;
    this.activate(Math.max(0, options.findIndex(({ value }) => value === chosen)));
  }

  hide(): void {
    this.element.hidden = true;
    this.options = [];
  }

  /** Chooses the active option. */
  pick(): void {
    this.take(this.active);
  }

  /** Moves by so many options, round the ends. */
  move(by: number): void {
    const count = this.options.length;
    this.activate((this.active + by + count) % count);
  }

  /** Moves to the next option that begins with a letter. */
  seek(letter: string): void {
    const order = [...this.options.keys()].map((index) => (index + this.active + 1) % this.options.length);
    const found = order.find((index) => this.options[index]?.label.toLowerCase().startsWith(letter));
    if (found !== undefined) {
      this.activate(found);
    }
  }

  activate(index: number): void {
    this.active = Math.min(index, this.options.length - 1);
    for (const [each, row] of [...this.element.children].entries()) {
      row.classList.toggle('active', each === this.active);
    }
    this.element.children[this.active]?.scrollIntoView({ block: 'nearest' });
  }

  last(): void {
    this.activate(this.options.length - 1);
  }

  private take(index: number): void {
    const option = this.options[index];
    if (option !== undefined) {
      this.choose(option);
    }
  }
}
