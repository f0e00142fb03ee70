/** What the agent wants to know (its tool AskUserQuestion): one or several questions with options. */
import type { Chosen } from '../../shared/messages';
import { element, freshId } from '../dom';
import { visible } from '../visible';

interface Asked {
  readonly question: string;
  readonly header: string;
  readonly several: boolean;
  readonly options: readonly { readonly label: string; readonly description: string }[];
}

/** Returns what the tool's input asks; nothing if it asks nothing. */
export function askedIn(input: Readonly<Record<string, unknown>>): readonly Asked[] {
  const questions = Array.isArray(input.questions) ? (input.questions as unknown[]) : [];
  return questions.filter(isRecord).map((each) => ({
    question: words(each.question),
    header: words(each.header),
    several: each.multiSelect === true,
    options: (Array.isArray(each.options) ? (each.options as unknown[]) : [])
      .filter(isRecord)
      .map(({ label, description }) => ({ label: words(label), description: words(description) })),
  }));
}

export class ChoiceForm {
  readonly element: HTMLElement;
  private readonly parts: readonly Part[];

  /** @param changed Called whenever what is chosen has changed. */
  constructor(asked: readonly Asked[], changed: () => void) {
    this.parts = asked.map((each) => new Part(each, changed));
    this.element = element('div', { class: 'choice-form' }, ...this.parts.map((part) => part.element));
  }

  /** Returns undefined while a question is without an answer. */
  get chosen(): readonly Chosen[] | undefined {
    const chosen = this.parts.map((part) => part.chosen);
    return chosen.every(({ answers }) => answers.length > 0) ? chosen : undefined;
  }

  focus(): void {
    this.element.querySelector('input')?.focus();
  }
}

class Part {
  readonly element: HTMLElement;
  private readonly inputs: readonly { readonly input: HTMLInputElement; readonly label: string }[];
  private readonly other: HTMLInputElement;
  private readonly ownWords: HTMLInputElement;

  constructor(
    private readonly asked: Asked,
    changed: () => void,
  ) {
    const name = freshId('choice');
    const type = asked.several ? 'checkbox' : 'radio';
    const rows = asked.options.map(({ label, description }) => {
      const input = element('input', { type, name, id: freshId('option') });
      return { input, label, row: rowOf(input, visible(label), visible(description)) };
    });
    this.inputs = rows;
    this.other = element('input', { type, name, id: freshId('option') });
    this.ownWords = element('input', {
      type: 'text',
      class: 'own-words',
      placeholder: 'Something else',
      'aria-label': `Something else: ${visible(asked.question)}`,
    });
    this.ownWords.addEventListener('input', () => {
      this.other.checked = this.ownWords.value.trim() !== '';
      changed();
    });
    this.other.setAttribute('aria-label', 'Something else');
    this.other.addEventListener('change', () => this.ownWords.focus());
    this.element = element(
      'fieldset',
      {},
      element(
        'legend',
        {},
        asked.header === '' ? undefined : element('span', { class: 'chip' }, visible(asked.header)),
        visible(asked.question),
      ),
      ...rows.map(({ row }) => row),
      element('div', { class: 'choice' }, this.other, this.ownWords),
      asked.several ? element('p', { class: 'hint' }, 'Several can be chosen.') : undefined,
    );
    this.element.addEventListener('change', changed);
  }

  get chosen(): Chosen {
    const answers = this.inputs.filter(({ input }) => input.checked).map(({ label }) => label);
    const own = this.ownWords.value.trim();
    if (this.other.checked && own !== '') {
      answers.push(own);
    }
    return { question: this.asked.question, answers };
  }
}

function rowOf(input: HTMLInputElement, label: string, description: string): HTMLElement {
  return element(
    'div',
    { class: 'choice' },
    input,
    element(
      'label',
      { for: input.id },
      element('span', { class: 'choice-label' }, label),
      description === '' ? undefined : element('span', { class: 'hint' }, description),
    ),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
