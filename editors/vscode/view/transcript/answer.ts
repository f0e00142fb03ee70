/** What the agent says. */
import { element } from '../dom';
import { GrowingMarkdown } from '../markdown/growing';

export class Answer {
  readonly element: HTMLElement;
  private markdown: GrowingMarkdown;

  /** @param whole All of it, where it has been said before. */
  constructor(whole?: string) {
    this.markdown = new GrowingMarkdown(whole);
    this.element = element('div', { class: 'answer' }, this.markdown.element);
  }

  /** Words that do not stand, of which nothing else is left. */
  static retracted(words: string): Answer {
    const answer = new Answer(words);
    answer.retract(words);
    return answer;
  }

  get source(): string {
    return this.markdown.source;
  }

  append(words: string): void {
    this.markdown.append(words);
  }

  /** Strikes out words that were said last; nothing more comes. */
  retract(words: string): void {
    const said = this.markdown.source;
    const kept = said.endsWith(words) ? said.slice(0, said.length - words.length) : '';
    const struck = new GrowingMarkdown(said.slice(kept.length));
    this.markdown = new GrowingMarkdown(kept);
    this.element.replaceChildren(
      this.markdown.element,
      element('del', { class: 'retracted' }, struck.element),
    );
  }

  finish(): void {
    this.markdown.finish();
  }
}
