/** What a question is about, in a box that scrolls where it is long, and can be unfolded. */
import { button, element } from '../dom';
import { Sight } from './sight';

/** Pixels that rounding may add. */
const EDGE = 1;

export class Subject {
  readonly element: HTMLElement;
  readonly unfold = button('', () => this.show(!this.whole), { class: 'link' });
  private readonly sight: Sight;
  private readonly sizes = new ResizeObserver(() => this.measure());
  private whole = false;

  /** @param looked Called whenever something of it may have come into view. */
  constructor(parts: readonly HTMLElement[], looked: () => void) {
    const text = element('div', { class: 'question-text' }, ...parts);
    const attributes = { class: 'question-body', tabindex: '0', role: 'group', 'aria-label': 'Detail' };
    this.element = element('div', attributes, text);
    this.sight = new Sight(text, looked);
    this.sizes.observe(this.element);
    this.sizes.observe(text);
    this.fold(false);
  }

  /** Whether all of it has been in view. */
  get read(): boolean {
    return this.sight.all;
  }

  /** Whether its end has been in view, though not what stands before it. */
  get skipped(): boolean {
    return this.sight.skipped;
  }

  /** Puts the focus where the arrow keys scroll it. */
  focus(): void {
    this.element.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: 'start' });
  }

  /** It is shown no more. */
  leave(): void {
    this.sight.leave();
    this.sizes.disconnect();
  }

  /** Shows it at its whole height, from its beginning, or in a box again. */
  private show(whole: boolean): void {
    this.fold(whole);
    if (whole) {
      this.focus();
    }
  }

  private fold(whole: boolean): void {
    this.whole = whole;
    this.element.classList.toggle('whole', whole);
    this.unfold.textContent = whole ? 'Show less' : 'Show all';
    this.unfold.setAttribute('aria-expanded', String(whole));
    this.measure();
  }

  private measure(): void {
    const { scrollHeight, clientHeight } = this.element;
    this.unfold.hidden = !this.whole && scrollHeight <= clientHeight + EDGE;
  }
}
