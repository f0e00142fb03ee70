/** Keeps a key that was meant for something else from answering a question. */

const UNARMED_MS = 600;

/** A card that takes no answer from the keyboard until it could be seen for a while. */
export class Guard {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly card: HTMLElement) {
    card.addEventListener('keydown', (event) => this.down(event), { capture: true });
    this.rearm();
  }

  /** The card has come into sight, or got the focus without the user's doing. */
  rearm(): void {
    delete this.card.dataset.armed;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.card.dataset.armed = 'true'), UNARMED_MS);
  }

  /** What is held down, or comes too early, is dropped. */
  private down(event: KeyboardEvent): void {
    const answers = event.key === 'Enter' || event.key === ' ';
    const early = event.repeat || this.card.dataset.armed !== 'true';
    if (answers && early && !isText(event.target)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }
}

function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type === 'text';
}
