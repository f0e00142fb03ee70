/** What is shown where nothing has been said yet. */
import { button, element, icon } from './dom';
import { post } from './host';

const IDEAS = [
  ['book', 'Explain what this project does and how it is laid out'],
  ['bug', 'Look for mistakes in the changes that are not committed yet'],
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
    element('p', {}, 'It reads and changes the files of this folder, and asks before it does.'),
    element('ul', { class: 'ideas', 'aria-label': 'Ideas' }, ...ideas),
    element(
      'p',
      { class: 'hint' },
      ...[element('kbd', {}, '@'), ' names a file, ', element('kbd', {}, '/'), ' a command, '],
      ...[element('kbd', {}, '↑'), ' what you asked before'],
    ),
    resume,
  );
}
