/** What the run does, for how long, and the button that stops it, here or in another editor. */
import type { State } from '../shared/messages';
import { button, element, icon } from './dom';
import { duration } from './figures';
import { post } from './host';
import { oneLine, withCode } from './visible';

const TICK_MS = 1000;

export class RunLine {
  private readonly words = element('span', { class: 'doing' });
  private readonly time = element('span', { class: 'figures', 'aria-hidden': 'true' });
  private readonly stop = button('Stop', () => this.interrupt(), {
    class: 'secondary stop',
    title: 'Stop (Escape)',
    'aria-keyshortcuts': 'Escape',
  });
  private readonly take = button('Take Over', () => this.takeOver(), {
    class: 'secondary',
    title: 'Stop it there, and go on here',
  });
  readonly element: HTMLElement;
  private held = false;
  private since: number | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.stop.prepend(icon('debug-stop'));
    this.element = element(
      'div',
      { class: 'running-line', role: 'group', 'aria-label': 'Run' },
      icon('loading'),
      this.words,
      this.time,
      this.stop,
      this.take,
    );
    this.element.hidden = true;
  }

  get running(): boolean {
    return this.since !== undefined;
  }

  show({ running, heldBy, line }: State): void {
    this.element.hidden = !running;
    this.held = heldBy !== undefined;
    this.stop.hidden = this.held;
    this.take.hidden = !this.held;
    const words = oneLine(line === '' ? 'Working' : line);
    if (this.words.title !== words) {
      this.words.title = words;
      this.words.replaceChildren(...withCode(words));
    }
    if (running && this.since === undefined) {
      this.since = performance.now();
      this.stop.disabled = false;
      this.time.textContent = '';
      this.timer = setInterval(() => this.tick(), TICK_MS);
    } else if (!running) {
      this.since = undefined;
      clearInterval(this.timer);
    }
  }

  /** Stops the run. */
  interrupt(): void {
    if (this.running && !this.held) {
      this.stop.disabled = true;
      post({ type: 'stop' });
    }
  }

  private takeOver(): void {
    post({ type: 'takeOver' });
  }

  private tick(): void {
    this.time.textContent = duration(performance.now() - (this.since ?? 0)).replace(/\.\d s$/, ' s');
  }
}
