/** What the agent says. */
import { element } from '../dom';
import { GrowingMarkdown } from '../markdown/growing';

export class Answer {
  readonly element: HTMLElement;
  private readonly markdown: GrowingMarkdown;

  /** @param whole All of it, where it has been said before. */
  constructor(whole?: string) {
    this.markdown = new GrowingMarkdown(whole);
    this.element = element('div', { class: 'answer' }, this.markdown.element);
  }

  get source(): string {
    return this.markdown.source;
  }

  append(words: string): void {
    this.markdown.append(words);
  }

  finish(): void {
    this.markdown.finish();
  }
}
