/** What the agent thinks, or knows of what was said before, folded. */
import { element, icon } from '../dom';
import { duration } from '../figures';
import { GrowingMarkdown } from '../markdown/growing';

export class Thinking {
  readonly element: HTMLDetailsElement;
  private readonly markdown: GrowingMarkdown;
  private readonly name = element('span', {}, 'Thinking…');
  private readonly began = performance.now();

  /**
   * @param whole All of it, where it has been thought before.
   * @param name What it is called then.
   */
  constructor(whole?: string, name = 'Thought') {
    this.markdown = new GrowingMarkdown(whole);
    this.element = element(
      'details',
      { class: 'thinking' },
      element('summary', {}, icon('chevron-right'), this.name),
      this.markdown.element,
    );
    if (whole === undefined) {
      this.element.classList.add('growing');
    } else {
      this.name.textContent = name;
    }
  }

  append(words: string): void {
    this.markdown.append(words);
  }

  finish(): void {
    this.markdown.finish();
    this.element.classList.remove('growing');
    const took = performance.now() - this.began;
    this.name.textContent = `Thought for ${took < 1000 ? 'a moment' : duration(took)}`;
  }
}
