/** What is shown where nothing has been said yet. */
import { button, element, icon } from './dom';
import { post } from './host';

const IDEAS = [
  ['book', 'Explain what this project does and how it is organised'],
  ['bug', 'Look for mistakes in the uncommitted changes'],
  ['beaker', 'Write tests for the file that I have open'],
] as const;

/** @param suggest Puts an idea into the prompt. */
export function welcome(suggest: (prompt: string) => void): HTMLElement {
  const ideas = IDEAS.map(([name, prompt]) => {
    const idea = button(prompt, () => suggest(prompt), { class: 'idea' });
    idea.prepend(icon(name));
    return element('li', {}, idea);
  });
  const resume = button('Resume a session…', () => post({ type: 'resume' }), { class: 'link' });
  resume.prepend(icon('history'));
  return element(
    'div',
    { class: 'welcome' },
    element('div', { class: 'welcome-icon', 'aria-hidden': 'true' }, icon('comment-discussion-sparkle')),
    element('h2', {}, 'Ask Claude'),
    element('p', {}, 'Claude reads and edits files in this folder, and asks before it changes anything.'),
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
