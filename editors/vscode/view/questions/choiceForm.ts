/** What the agent wants to know: one or several of its options, or words of the user's own. */
import type { Question } from '../../shared/protocol';
import { element, freshId } from '../dom';
import { visible } from '../visible';

/** What a choice is left with: it is a button of its own. */
export const DENY = 'deny';

export class ChoiceForm {
  readonly element: HTMLElement;
  private readonly inputs: readonly { readonly input: HTMLInputElement; readonly value: string }[];
  private readonly other: HTMLInputElement;
  private readonly ownWords: HTMLInputElement;

  /** @param changed Called whenever what is chosen has changed. */
  constructor(question: Question, changed: () => void) {
    const name = freshId('choice');
    const type = question.multiple === true ? 'checkbox' : 'radio';
    const rows = question.options
      .filter(({ value }) => value !== DENY)
      .map(({ value, label, description }) => {
        const input = element('input', { type, name, id: freshId('option') });
        return { input, value, row: rowOf(input, visible(label), visible(description ?? '')) };
      });
    this.inputs = rows;
    this.other = element('input', { type, name, 'aria-label': 'Something else' });
    this.ownWords = element('input', {
      type: 'text',
      class: 'own-words',
      placeholder: 'Something else',
      'aria-label': 'Something else, in your own words',
    });
    this.ownWords.addEventListener('input', () => {
      this.other.checked = this.ownWords.value.trim() !== '';
      changed();
    });
    this.other.addEventListener('change', () => this.ownWords.focus());
    this.element = element(
      'fieldset',
      { 'aria-label': visible(question.title) },
      ...rows.map(({ row }) => row),
      question.freeText === true
        ? element('div', { class: 'choice' }, this.other, this.ownWords)
        : undefined,
      question.multiple === true ? element('p', { class: 'hint' }, 'Several can be chosen.') : undefined,
    );
    this.element.addEventListener('change', changed);
  }

  /** Values of options, and what the user wrote. */
  get answers(): readonly string[] {
    const answers = this.inputs.filter(({ input }) => input.checked).map(({ value }) => value);
    const own = this.ownWords.value.trim();
    return this.other.checked && own !== '' ? [...answers, own] : answers;
  }

  focus(): void {
    this.element.querySelector('input')?.focus();
  }
}

function rowOf(input: HTMLInputElement, label: string, meaning: string): HTMLElement {
  return element(
    'div',
    { class: 'choice' },
    input,
    element(
      'label',
      { for: input.id },
      element('span', { class: 'choice-label' }, label),
      meaning === '' ? undefined : element('span', { class: 'hint' }, meaning),
    ),
  );
}
