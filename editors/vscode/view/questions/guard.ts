/** Keeps a key that was meant for something else from answering a question. */

const UNARMED_MS = 600;

/** Answers only to keys that were pressed after the card could be seen for a while. */
export class Guard {
  private armedAt = performance.now() + UNARMED_MS;

  /** The card has come into sight, or to the focus without the user's doing. */
  rearm(): void {
    this.armedAt = performance.now() + UNARMED_MS;
  }

  /**
   * Watches the keys of a card: what is held down, or comes too early, is dropped.
   *
   * @param card The card's element.
   */
  watch(card: HTMLElement): void {
    card.addEventListener(
      'keydown',
      (event) => {
        const answers = event.key === 'Enter' || event.key === ' ';
        if (answers && (event.repeat || performance.now() < this.armedAt)) {
          event.preventDefault();
          event.stopImmediatePropagation();
        }
      },
      { capture: true },
    );
    // A space that was pressed elsewhere and is let go here clicks a button, too.
    let pressed = false;
    card.addEventListener('keydown', ({ key }) => (pressed = key === ' '), { capture: true });
    card.addEventListener(
      'keyup',
      (event) => {
        if (event.key === ' ' && !pressed) {
          event.preventDefault();
        }
        pressed = false;
      },
      { capture: true },
    );
  }
}
