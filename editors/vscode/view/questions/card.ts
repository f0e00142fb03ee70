/** A question of the agent: what it would do, the answers, and a note that goes with them. */
import type { ShownQuestion } from '../../shared/messages';
import { announce } from '../announce';
import { button, element, freshId, icon } from '../dom';
import { post } from '../host';
import { oneLine, visible, withCode } from '../visible';
import { ChoiceForm, DENY } from './choiceForm';
import { detailOf } from './detail';
import { Guard } from './guard';
import { Subject } from './subject';

const ANSWERED_MS = 5000;
/** Of a choice. */
const ANSWER = { value: 'answer', label: 'Answer' };

export class QuestionCard {
  readonly element: HTMLElement;
  private readonly guard: Guard;
  private readonly subject: Subject;
  private readonly form: ChoiceForm | undefined = undefined;
  private readonly buttons: readonly HTMLButtonElement[];
  private readonly note = element('input', {
    type: 'text',
    class: 'note',
    'aria-label': 'Note to Claude',
    placeholder: 'Note to Claude',
    title: 'Why, or what to do instead',
  });
  private readonly time = element('span', { class: 'figures', title: 'No answer by then means no' });
  private readonly place = element('span', { class: 'figures' });
  /** Why nothing can be allowed yet. */
  private readonly unread = element('span', { class: 'hint', id: freshId('unread') });
  private deadline: number;
  /** What is disabled loses the focus. */
  private answeredHere = false;
  /** Whether it takes an answer. */
  private waits = true;

  constructor(readonly question: ShownQuestion) {
    if (question.kind === 'choice') {
      this.form = new ChoiceForm(question, () => this.enable());
    }
    this.deadline = Date.parse(question.deadline);
    this.buttons = (
      this.form === undefined
        ? question.options
        : [...question.options.filter(({ value }) => value === DENY), ANSWER]
    ).map(({ value, label }) => this.option(value, label));
    const title = freshId('question');
    const head = element(
      'div',
      { class: 'question-head' },
      icon(this.form === undefined ? 'shield' : 'question'),
      element('h2', { id: title }, ...withCode(this.title())),
      this.place,
      this.time,
    );
    this.subject = new Subject([head, ...this.body()], () => this.looked());
    this.element = element(
      'section',
      { class: 'question', role: 'group', 'aria-labelledby': title },
      this.subject.element,
      this.form === undefined ? this.note : undefined,
      element(
        'div',
        { class: 'question-actions' },
        ...this.buttons,
        this.unread,
        this.subject.unfold,
        ...this.looks(),
      ),
    );
    this.guard = new Guard(this.element);
    this.element.addEventListener('keydown', (event) => this.key(event));
    this.note.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && this.note.value.trim() !== '') {
        this.answer(DENY);
      }
    });
    this.enable();
    this.tick();
  }

  /** What is read out when it appears. */
  get spoken(): string {
    return `Claude waits for you. ${this.title()} ${oneLine(this.question.detail, 300)} ${this.labels()}`;
  }

  get focused(): boolean {
    return this.answeredHere || this.element.contains(document.activeElement);
  }

  /** Its place in the queue, and its deadline, which counts from when it is opened. */
  update({ deadline }: ShownQuestion, count: number): void {
    this.deadline = Date.parse(deadline);
    this.place.textContent = count > 1 ? `1 of ${count}` : '';
    this.tick();
  }

  /** Puts the focus where a stray key does no harm. */
  focus(): void {
    this.guard.rearm();
    if (this.form !== undefined) {
      this.form.focus();
    } else if (this.scrolls) {
      this.subject.focus();
    } else {
      this.buttons[0]?.focus();
    }
  }

  /** It is shown no more. */
  leave(): void {
    this.subject.leave();
  }

  /** Shows how long it waits. */
  tick(): void {
    const seconds = Math.max(0, Math.round((this.deadline - Date.now()) / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    this.time.textContent = seconds < 86_400 ? clock : '';
  }

  /** Whether the answers are out of sight while its beginning is read. */
  private get scrolls(): boolean {
    const dock = this.element.parentElement;
    return dock !== null && dock.scrollHeight > dock.clientHeight;
  }

  private title(): string {
    return oneLine(this.question.title, Infinity);
  }

  private labels(): string {
    return this.question.options.map(({ label }) => label).join(', ');
  }

  private body(): readonly HTMLElement[] {
    return this.form === undefined ? detailOf(this.question) : [this.form.element];
  }

  private option(value: string, label: string): HTMLButtonElement {
    // What allows the least stands out.
    const first = this.question.options.find((option) => option.value !== DENY)?.value;
    const kind = value === first || value === ANSWER.value ? 'primary' : 'secondary';
    const reason = value === DENY ? undefined : this.unread.id;
    const attributes = { class: kind, 'data-answer': value, 'aria-describedby': reason };
    const made = button('', () => this.answer(value), attributes);
    made.append(...withCode(visible(label)));
    return made;
  }

  /** What can be looked at before it is answered. */
  private looks(): readonly HTMLElement[] {
    const { questionId, hasDiff, hasPlan } = this.question;
    const look = (what: 'diff' | 'plan', label: string): HTMLElement =>
      button(label, () => post({ type: 'showQuestion', questionId, what }), { class: 'link' });
    return [
      ...(hasDiff ? [look('diff', 'Open Diff')] : []),
      ...(hasPlan ? [look('plan', 'Open Plan')] : []),
    ];
  }

  private answer(answer: string): void {
    const note = this.note.value.trim();
    const several = this.question.multiple === true;
    const answers = answer === DENY ? undefined : this.form?.answers;
    post({
      type: 'answer',
      questionId: this.question.questionId,
      answer: (several ? answers : answers?.[0]) ?? answer,
      ...(note !== '' && { note }),
    });
    this.answeredHere = this.focused;
    this.answered(true);
    // It goes when the host has heard; where that fails, it can be answered again.
    setTimeout(() => this.answered(false), ANSWERED_MS);
  }

  private answered(answered: boolean): void {
    this.waits = !answered;
    this.enable();
  }

  private enable(): void {
    const ready = this.form === undefined ? this.subject.read : this.form.answers.length > 0;
    for (const each of this.buttons) {
      each.disabled = !this.waits || (each.dataset.answer !== DENY && !ready);
    }
  }

  /** Something may have come into view. */
  private looked(): void {
    if (this.form !== undefined) {
      return;
    }
    const { read, skipped } = this.subject;
    const unread = skipped ? 'Scroll back to allow: a part was skipped' : 'Scroll to the end to allow';
    const told = read ? '' : unread;
    if (this.unread.textContent !== told) {
      this.unread.textContent = told;
      announce(read ? `You can allow it now. ${this.labels()}` : unread);
    }
    this.enable();
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = this.buttons.indexOf(event.target as HTMLButtonElement);
    if (step !== undefined && at >= 0) {
      event.preventDefault();
      const open = this.buttons.filter(({ disabled }) => !disabled);
      const next = open[open.indexOf(event.target as HTMLButtonElement) + step];
      next?.focus();
    }
  }
}
