/** Questions stand between what was said and the prompt: the thread stays in sight. */
import type { ShownQuestion } from '../../shared/messages';
import { announce } from '../announce';
import { element } from '../dom';
import { post } from '../host';
import { QuestionCard } from './card';

const TICK_MS = 1000;

export interface Around {
  /** Whether the user is writing, so that the focus stays. */
  writing(): boolean;
  /** Puts the focus into the prompt. */
  focusPrompt(): void;
}

export class QuestionDock {
  readonly element = element('div', { class: 'questions' });
  private card: QuestionCard | undefined;
  /** Their diffs were opened once. */
  private readonly opened = new Set<string>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly around: Around) {
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        // It neither answers nor stops anything: the next one, in the prompt, stops the run.
        event.stopPropagation();
        this.around.focusPrompt();
      }
    });
  }

  /** Shows the first of the questions that wait. */
  show(questions: readonly ShownQuestion[]): void {
    const [first] = questions;
    if (first === undefined) {
      this.leave();
      clearInterval(this.timer);
      return;
    }
    if (this.card?.question.questionId !== first.questionId) {
      this.replace(first);
    }
    this.card?.update(first, questions.length);
  }

  focus(questionId: string): void {
    if (this.card?.question.questionId === questionId) {
      this.card.focus();
    }
  }

  private replace(question: ShownQuestion): void {
    const focused = this.leave(false);
    const card = new QuestionCard(question);
    this.card = card;
    this.element.replaceChildren(card.element);
    clearInterval(this.timer);
    this.timer = setInterval(() => card.tick(), TICK_MS);
    if (question.hasDiff && !this.opened.has(question.questionId)) {
      this.opened.add(question.questionId);
      post({ type: 'showQuestion', questionId: question.questionId, what: 'diff' });
    }
    const free = document.hasFocus() && !this.around.writing();
    if (focused || free) {
      card.focus();
    }
    announce(focused || free ? card.spoken : `${card.spoken} Shift+Tab leads to it.`, true);
  }

  /** Takes the card away. Returns whether it had the focus. */
  private leave(refocus = true): boolean {
    const focused = this.card?.focused ?? false;
    this.card?.leave();
    this.card = undefined;
    this.element.replaceChildren();
    if (focused && refocus) {
      this.around.focusPrompt();
    }
    return focused;
  }
}
