/** Exactly what would happen, in the form that suits it: a command, a diff, a plan. */
import type { Grant } from '../../shared/control';
import type { Question } from '../../shared/protocol';
import { element } from '../dom';
import { CodeBlock } from '../markdown/codeBlock';
import { GrowingMarkdown } from '../markdown/growing';
import { unifiedDiff } from '../tools/lineDiff';
import { visible } from '../visible';

/** Shows what a question says; nothing of it is left out. */
export function detailOf(question: Question): readonly HTMLElement[] {
  const { action, detail, diff, document, grants, notes = [], reason } = question;
  if (document != null) {
    return [new GrowingMarkdown(visible(document)).element];
  }
  if (action == null) {
    return blocks(detail);
  }
  const { command, description, path } = action;
  return [
    ...(description == null || description === '' ? [] : [element('p', {}, visible(description))]),
    ...(command == null ? [] : [code(command)]),
    ...blocks(path ?? ''),
    ...(diff == null ? [] : [unifiedDiff(diff)]),
    ...(command == null ? blocks(notes.join('\n')) : notes.flatMap(lines)),
    ...lines(reason ?? ''),
    ...granted('For this session', grants?.session),
    ...granted('Always', grants?.always, grants?.savedIn),
  ];
}

function code(command: string): HTMLElement {
  const block = new CodeBlock('bash');
  block.show(visible(command));
  return block.element;
}

function granted(
  howLong: string,
  grants: readonly Grant[] = [],
  savedIn?: string | null,
): readonly HTMLElement[] {
  const place = savedIn == null ? '' : `, in ${savedIn}`;
  const words = [...new Set(grants.map(({ text }) => text))].join(', ');
  return words === '' ? [] : lines(`${howLong}: ${words}${place}`);
}

function blocks(words: string): readonly HTMLElement[] {
  return words === '' ? [] : [element('pre', { class: 'detail' }, visible(words))];
}

function lines(words: string): readonly HTMLElement[] {
  return words
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => element('p', { class: 'hint' }, visible(line)));
}
