/** What a tool was given and what came of it, in the form that suits the tool. */
import type { ToolStatus } from '../../shared/protocol';
import { element, icon } from '../dom';
import { CodeBlock } from '../markdown/codeBlock';
import { GrowingMarkdown } from '../markdown/growing';
import { visible, withCode } from '../visible';
import { type Counts, lineDiff } from './lineDiff';
import { type Input, pathOf } from './titles';

/** What these say when they are done is that they are done. */
const SILENT = new Set(['Edit', 'MultiEdit', 'NotebookEdit', 'TodoWrite', 'Write']);
const MARKDOWN_RESULTS = new Set(['Agent', 'Task', 'WebFetch', 'WebSearch']);

export interface Output {
  readonly status: ToolStatus;
  readonly text: string;
  readonly truncated: boolean;
}

/** Shows what a tool is given; nothing where its title says all. */
export function inputOf(tool: string, input: Input): readonly HTMLElement[] {
  switch (tool) {
    case 'Edit':
    case 'MultiEdit':
      return editsOf(input).map(([before, after]) => lineDiff(before, after).element);
    case 'Write':
      return [code(words(input.content), languageOf(pathOf(input) ?? ''))];
    case 'Bash':
      return [
        ...(words(input.description) === '' ? [] : [element('p', {}, visible(words(input.description)))]),
        code(visible(words(input.command)), 'bash'),
      ];
    case 'Read':
      return [];
    case 'TodoWrite':
      return [todos(input.todos)];
    case 'ExitPlanMode':
      return [new GrowingMarkdown(words(input.plan)).element];
    case 'Agent':
    case 'Task':
      return [new GrowingMarkdown(words(input.prompt)).element];
    case 'AskUserQuestion':
      return askedOf(input);
    default:
      return Object.keys(input).length === 0 ? [] : [code(JSON.stringify(input, undefined, 2), 'json')];
  }
}

/** Shows what came of it; nothing where that goes without saying. */
export function outputOf(tool: string, { status, text, truncated }: Output): readonly HTMLElement[] {
  if (text === '' || (status === 'completed' && SILENT.has(tool))) {
    return [];
  }
  const shown = MARKDOWN_RESULTS.has(tool)
    ? new GrowingMarkdown(text).element
    : element('pre', { class: 'output', tabindex: '0', role: 'group', 'aria-label': 'Output' }, visible(text));
  if (truncated) {
    shown.append(element('div', { class: 'cut' }, '… shortened'));
  }
  return [shown];
}

/** Returns how many lines an edit adds and takes away. */
export function countsOf(tool: string, input: Input): Counts | undefined {
  if (tool === 'Write') {
    const content = words(input.content).replace(/\n$/, '');
    return { added: content === '' ? 0 : content.split('\n').length, removed: 0 };
  }
  if (tool !== 'Edit' && tool !== 'MultiEdit') {
    return undefined;
  }
  const counts = editsOf(input).map(([before, after]) => lineDiff(before, after).counts);
  return {
    added: counts.reduce((sum, { added }) => sum + added, 0),
    removed: counts.reduce((sum, { removed }) => sum + removed, 0),
  };
}

function editsOf(input: Input): [string, string][] {
  const edits = Array.isArray(input.edits) ? (input.edits as unknown[]) : [input];
  return edits
    .filter((edit): edit is Input => typeof edit === 'object' && edit !== null)
    .map((edit) => [words(edit.old_string), words(edit.new_string)]);
}

function code(value: string, language: string): HTMLElement {
  const block = new CodeBlock(language);
  block.show(value);
  return block.element;
}

function todos(given: unknown): HTMLElement {
  const items = Array.isArray(given) ? (given as Partial<Record<string, unknown>>[]) : [];
  const rows = items.map(({ content, status }) => {
    const [name, word] =
      status === 'completed'
        ? ['pass-filled', 'done']
        : status === 'in_progress'
          ? ['arrow-circle-right', 'at work']
          : ['circle-large', 'to do'];
    return element(
      'li',
      { 'data-status': words(status) },
      icon(name),
      element('span', {}, ...withCode(visible(words(content)))),
      element('span', { class: 'unseen' }, `, ${word}`),
    );
  });
  return element('ul', { class: 'todos' }, ...rows);
}

function askedOf(input: Input): readonly HTMLElement[] {
  const questions = Array.isArray(input.questions) ? (input.questions as Input[]) : [];
  return questions.map(({ question }) => element('p', {}, visible(words(question))));
}

function languageOf(path: string): string {
  return /\.(\w+)$/.exec(path)?.[1] ?? '';
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
