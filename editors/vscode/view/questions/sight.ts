/** Which part of a text has been in view: nobody can have read the rest. */

/** Pixels that rounding may take from an edge. */
const EDGE = 1;
/** Where the browser tells by itself that more or less of it can be seen. */
const STEPS = Array.from({ length: 101 }, (_, step) => step / 100);

/** From one height of the text to another, in pixels. */
type Span = readonly [from: number, to: number];

export class Sight {
  private readonly observer = new IntersectionObserver((entries) => this.look(entries), { threshold: STEPS });
  private readonly sizes = new ResizeObserver(() => this.anew());
  private readonly listening = new AbortController();
  private spans: readonly Span[] = [];
  private height = 0;

  /**
   * @param text Of which all is to be seen, whatever scrolls it.
   * @param changed Called whenever something may have come into view.
   */
  constructor(
    private readonly text: HTMLElement,
    private readonly changed: () => void,
  ) {
    this.observer.observe(text);
    this.sizes.observe(text);
    const { signal } = this.listening;
    document.addEventListener('scroll', () => this.scrolled(), { capture: true, passive: true, signal });
  }

  /** Whether all of it has been in view. */
  get all(): boolean {
    const [first] = this.spans;
    return first !== undefined && first[0] <= EDGE && this.ended(first);
  }

  /** Whether its end has been in view, though not what stands before it. */
  get skipped(): boolean {
    return !this.all && this.spans.some((span) => this.ended(span));
  }

  /** The text is shown no more, or nothing is left to be seen. */
  leave(): void {
    this.observer.disconnect();
    this.sizes.disconnect();
    this.listening.abort();
  }

  private ended([, to]: Span): boolean {
    return to >= this.height - EDGE;
  }

  /** Where its lines break otherwise, nobody knows which of them were seen. */
  private anew(): void {
    this.spans = [];
    this.again();
  }

  private scrolled(): void {
    this.look(this.observer.takeRecords());
    if (!this.all) {
      this.again();
    }
  }

  /** Has the browser tell what of it can be seen in this frame; what it was about to tell is lost. */
  private again(): void {
    this.observer.unobserve(this.text);
    this.observer.observe(this.text);
  }

  private look(entries: readonly IntersectionObserverEntry[]): void {
    for (const { boundingClientRect: whole, intersectionRect: part } of entries) {
      this.height = whole.height;
      if (part.height > 0 && part.width >= whole.width - EDGE) {
        this.spans = joined([...this.spans, [part.top - whole.top, part.bottom - whole.top]]);
      }
    }
    if (this.all) {
      this.leave();
    }
    this.changed();
  }
}

/** Returns the same spans in order, those that touch as one. */
function joined(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted(([one], [other]) => one - other)) {
    const last = result.at(-1);
    if (last !== undefined && span[0] <= last[1] + EDGE) {
      result[result.length - 1] = [last[0], Math.max(last[1], span[1])];
    } else {
      result.push(span);
    }
  }
  return result;
}
