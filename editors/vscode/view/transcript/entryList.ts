/**
 * The entries of a conversation, one below the other. What is far from what is looked at is not
 * made until somebody comes near it, or nothing else is to be done; the browser lays out only what
 * can be seen (`content-visibility` in styles/transcript.css), so that thousands cost little.
 */
import { element } from '../dom';

const NEAR = '1200px 0px';
const LINE_PX = 20;
const LINES_AT_ONCE = 120;

type Make = () => HTMLElement;

export class EntryList {
  readonly element = element('div', { class: 'entries' });
  private readonly waiting = new Map<Element, Make>();
  private readonly nearby: IntersectionObserver;
  private idle: number | undefined;

  /** @param root What scrolls. */
  constructor(root: HTMLElement) {
    this.nearby = new IntersectionObserver(
      (seen) => {
        for (const { target, isIntersecting } of seen) {
          if (isIntersecting) {
            this.fill(target);
          }
        }
      },
      { root, rootMargin: NEAR },
    );
  }

  /** Takes all entries away. */
  clear(): void {
    this.nearby.disconnect();
    this.waiting.clear();
    if (this.idle !== undefined) {
      cancelIdleCallback(this.idle);
      this.idle = undefined;
    }
    this.element.replaceChildren();
  }

  /** Adds an entry below all others. */
  add(entry: HTMLElement): void {
    this.element.append(element('div', { class: 'entry' }, entry));
  }

  /** Takes an entry away that was added. */
  remove(entry: HTMLElement): void {
    entry.closest('.entry')?.remove();
  }

  /** Adds entries that are made when they are wanted; the last ones at once. */
  addLater(entries: readonly { readonly lines: number; readonly make: Make }[]): void {
    const slots = entries.map(({ lines, make }) => {
      const slot = element('div', { class: 'entry waiting' });
      slot.style.setProperty('--height', `${Math.ceil(lines) * LINE_PX}px`);
      this.waiting.set(slot, make);
      return slot;
    });
    let room = LINES_AT_ONCE;
    for (let index = slots.length - 1; index >= 0 && room > 0; index--) {
      const slot = slots[index];
      if (slot !== undefined) {
        this.fill(slot);
        room -= entries[index]?.lines ?? 0;
      }
    }
    this.element.append(...slots);
    for (const slot of this.waiting.keys()) {
      this.nearby.observe(slot);
    }
    this.fillWhenIdle();
  }

  private fill(slot: Element): void {
    const make = this.waiting.get(slot);
    if (make !== undefined) {
      this.waiting.delete(slot);
      this.nearby.unobserve(slot);
      slot.classList.remove('waiting');
      slot.append(make());
    }
  }

  /** What is far off can be found with Ctrl+F, too, a little later. */
  private fillWhenIdle(): void {
    this.idle = requestIdleCallback((deadline) => {
      for (const slot of [...this.waiting.keys()].reverse()) {
        if (deadline.timeRemaining() < 4) {
          break;
        }
        this.fill(slot);
      }
      this.idle = undefined;
      if (this.waiting.size > 0) {
        this.fillWhenIdle();
      }
    });
  }
}
