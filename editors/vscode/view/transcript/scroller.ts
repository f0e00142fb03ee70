/** Stays at the end while the conversation grows, unless the user reads elsewhere. */
import { button, element, icon } from '../dom';

const AT_END_PX = 32;

export class Scroller {
  /** Leads back to the end; hidden while it is in sight. */
  readonly toEnd = element('div', { class: 'to-end' });
  private following = true;
  private last = 0;

  /**
   * @param viewport What scrolls.
   * @param content What grows in it.
   */
  constructor(
    private readonly viewport: HTMLElement,
    content: HTMLElement,
  ) {
    const back = button('', () => this.end(), { 'aria-label': 'Scroll to the latest', title: 'Scroll to the latest' });
    back.append(icon('arrow-down'));
    this.toEnd.append(back);
    this.toEnd.hidden = true;
    viewport.addEventListener('scroll', () => this.scrolled(), { passive: true });
    const grown = new ResizeObserver(() => this.follow());
    grown.observe(content);
    grown.observe(viewport);
    // What the user unfolds stays where it is.
    viewport.addEventListener('click', ({ target }) => {
      if (target instanceof Element && target.closest('summary') !== null) {
        this.following = false;
      }
    });
  }

  /** Goes to the end, if it was there before. */
  follow(): void {
    if (this.following) {
      this.viewport.scrollTop = this.viewport.scrollHeight;
      this.last = this.viewport.scrollTop;
    }
    this.toEnd.hidden = this.distance() < AT_END_PX;
  }

  /** Goes to the end and stays there. */
  end(): void {
    this.following = true;
    this.follow();
  }

  private scrolled(): void {
    const { scrollTop } = this.viewport;
    // What grows moves nothing up: only a user does.
    if (this.distance() < AT_END_PX) {
      this.following = true;
    } else if (scrollTop < this.last - 1) {
      this.following = false;
    }
    this.last = scrollTop;
    this.toEnd.hidden = this.following || this.distance() < AT_END_PX;
  }

  private distance(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.viewport;
    return scrollHeight - scrollTop - clientHeight;
  }
}
