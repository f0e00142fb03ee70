/** What is shown where nothing has been said yet. */
import type { State } from '../shared/messages';
import { aboutMode } from './composer/modes';
import { button, element, icon } from './dom';
import { post } from './host';

const IDEAS = [
  ['book', 'Explain what this project does and how it is organised'],
  ['bug', 'Look for mistakes in the uncommitted changes'],
  ['beaker', 'Write tests for the file that I have open'],
] as const;

export class Welcome {
  readonly element: HTMLElement;
  private readonly about = element('p');

  /** @param suggest Puts an idea into the prompt. */
  constructor(suggest: (prompt: string) => void) {
    const ideas = IDEAS.map(([name, prompt]) => {
      const idea = button(prompt, () => suggest(prompt), { class: 'idea' });
      idea.prepend(icon(name));
      return element('li', {}, idea);
    });
    const resume = button('Resume a session…', () => post({ type: 'resume' }), { class: 'link' });
    resume.prepend(icon('history'));
    this.element = element(
      'div',
      { class: 'welcome' },
      element('div', { class: 'welcome-icon', 'aria-hidden': 'true' }, icon('comment-discussion-sparkle')),
      element('h2', {}, 'Ask Claude'),
      this.about,
      element('ul', { class: 'ideas', 'aria-label': 'Ideas' }, ...ideas),
      element(
        'p',
        { class: 'hint' },
        ...[element('kbd', {}, '@'), ' adds a file, ', element('kbd', {}, '/'), ' a command, '],
        ...[element('kbd', {}, '↑'), ' an earlier prompt'],
      ),
      resume,
    );
  }

  /** Says what the agent may do without asking. */
  show({ mode }: Pick<State, 'mode'>): void {
    this.about.textContent = `Claude works on the files of this folder. ${aboutMode(mode)}`;
  }
}
