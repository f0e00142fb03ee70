/** The view of a conversation. */
import type { State, ToView } from '../shared/messages';
import { announcers } from './announce';
import { Composer } from './composer/composer';
import { drafts } from './composer/drafts';
import { takeDrops } from './composer/drop';
import { button, element, icon } from './dom';
import { listen, post } from './host';
import { QuestionDock } from './questions/dock';
import { RunLine } from './runLine';
import { Transcript } from './transcript/transcript';
import { UsageLine } from './usage';
import { oneLine } from './visible';
import { Welcome } from './welcome';

const usage = new UsageLine();
const composer = new Composer();
const runLine = new RunLine();
const empty = new Welcome((prompt) => composer.focus(prompt));
const transcript = new Transcript({
  usage: (event) => usage.show(event),
  ended: (run) => usage.ended(run),
  filled: (filled) => (empty.element.hidden = filled),
});
const questions = new QuestionDock({
  writing: () => composer.busy,
  focusPrompt: () => composer.focus(),
});
const title = element('h1', { class: 'unseen' });
const folder = element('span', { class: 'folder' });
const untrusted = element(
  'div',
  { class: 'untrusted' },
  icon('workspace-untrusted'),
  element('span', {}, 'The agent can run code from a folder, so it only works in folders that you trust.'),
  button('Manage Trust', () => post({ type: 'manageTrust' }), { class: 'secondary' }),
);

document.getElementById('app')?.replaceWith(
  element(
    'main',
    {},
    title,
    folder,
    element('div', { class: 'conversation' }, empty.element, transcript.element),
    element('div', { class: 'bottom' }, questions.element, untrusted, runLine.element, composer.queue.element, composer.element, usage.element),
    ...announcers,
  ),
  takeDrops(),
);

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.defaultPrevented) {
    runLine.interrupt();
  }
});

function showState(state: State): void {
  title.textContent = oneLine(state.title);
  folder.hidden = state.folder === '';
  folder.replaceChildren(icon('folder'), oneLine(state.folder));
  untrusted.hidden = state.trusted;
  empty.show(state);
  runLine.show(state);
  composer.show(state);
  drafts.follow(state);
}

function receive(message: ToView): void {
  switch (message.type) {
    case 'conversation':
      usage.clear();
      composer.turnTo(message.state, message.history);
      showState(message.state);
      transcript.show(message.messages, message.steps);
      return;
    case 'steps':
      transcript.add(message.steps);
      return;
    case 'state':
      showState(message.state);
      return;
    case 'questions':
      transcript.flush();
      questions.show(message.questions);
      return;
    case 'context':
      composer.context.show(message.items);
      return;
    case 'capabilities':
      composer.offer(message);
      return;
    case 'files':
      composer.offerFiles(message);
      return;
    case 'focusPrompt':
      composer.focus(message.text);
      return;
    case 'focusQuestion':
      questions.focus(message.questionId);
  }
}

window.addEventListener('error', ({ message }) => post({ type: 'log', text: message }));
listen(receive);
post({ type: 'ready' });
