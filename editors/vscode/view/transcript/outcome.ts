/** How a run has ended: in a line, or as an error with what helps. */
import type { Outcome, Run, RunStatus } from '../../shared/protocol';
import { button, element, icon } from '../dom';
import { counted, duration, money, tokens } from '../figures';
import { post } from '../host';
import { visible } from '../visible';

const WORDS: Readonly<Record<RunStatus, string>> = {
  queued: 'Waiting',
  running: 'Running',
  completed: 'Done',
  cancelled: 'Stopped',
  timedOut: 'Stopped: time limit reached',
  failed: 'Failed',
};

export function outcomeOf(run: Run | Outcome): HTMLElement {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = run.usage;
  const read = inputTokens + cacheReadTokens + cacheWriteTokens;
  const asked = read + outputTokens > 0; // of what never got to the model there is nothing to tell
  const figures = [
    duration(run.durationMs),
    ...(asked ? [`${tokens(read)} tokens in, ${tokens(outputTokens)} out`, money(run.costUsd)] : []),
  ];
  const line = element(
    'div',
    { class: 'outcome', 'data-status': run.status },
    run.error == null ? undefined : failureOf(run.error.message, run.error.hint),
    run.blocked == null ? undefined : element('div', { class: 'blocked' }, visible(run.blocked.hint)),
    element(
      'div',
      { class: 'outcome-line' },
      element('span', { class: 'outcome-word' }, WORDS[run.status]),
      element('span', { class: 'figures' }, figures.join(' · ')),
    ),
  );
  if (run.filesChanged.length > 0) {
    const files = run.filesChanged.map((uri) => element('li', {}, fileButton(uri)));
    const name = `${counted(run.filesChanged.length, 'file')} changed`;
    line.append(
      element('div', { class: 'changed' }, element('span', {}, name), element('ul', {}, ...files)),
    );
  }
  return line;
}

/** Whether the end of a run says what a notice has said right before it: the CLI tells an error twice. */
export function saysAgain(run: Run | Outcome, notice: string): boolean {
  const whole = (text: string): string => text.trim().replace(/\.$/, '');
  return run.error != null && whole(run.error.message) === whole(notice);
}

/** What went wrong, what to do about it, and a button that does it again. */
export function failureOf(message: string, hint: string | undefined): HTMLElement {
  return element(
    'div',
    { class: 'failure', role: 'group', 'aria-label': 'Error' },
    icon('error'),
    element(
      'div',
      { class: 'failure-words' },
      element('p', {}, visible(message)),
      hint === undefined || hint === '' ? undefined : element('p', { class: 'hint' }, visible(hint)),
      button('Try Again', () => post({ type: 'again' }), { class: 'secondary' }),
    ),
  );
}

function fileButton(uri: string): HTMLButtonElement {
  const path = decoded(uri.replace(/^file:\/\//, ''));
  const name = visible(path.split('/').at(-1) ?? path);
  const open = button(name, () => post({ type: 'openFile', uri, line: undefined }), {
    class: 'file',
    title: visible(path),
  });
  open.prepend(icon('file'));
  return open;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
