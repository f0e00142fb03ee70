/** Exactly what would happen, in the form that suits it: a command, a diff, a plan. */
import type { Question } from '../../shared/protocol';
import { element } from '../dom';
import { CodeBlock } from '../markdown/codeBlock';
import { GrowingMarkdown } from '../markdown/growing';
import { unifiedDiff } from '../tools/lineDiff';
import type { Input } from '../tools/titles';
import { visible } from '../visible';

/** The tool call that a question is about. */
export interface AskedCall {
  readonly tool: string;
  readonly input: Input;
}

const GRANTS = /\n\n(?=For this session: )/;
const CUT = /\n… \(\d+ more characters\)/;

/** Shows what a question says; nothing of its detail is left out, but for what is shown in full. */
export function detailOf(question: Question, call: AskedCall | undefined): readonly HTMLElement[] {
  if (question.document != null) {
    return [new GrowingMarkdown(question.document).element];
  }
  const [body = '', grants = ''] = question.detail.split(GRANTS);
  return [...bodyOf(body, question, call), ...lines(grants)];
}

function bodyOf(body: string, { diff }: Question, call: AskedCall | undefined): readonly HTMLElement[] {
  if (diff != null) {
    const [path = '', ...rest] = body.split('\n');
    return [text(path), unifiedDiff(diff), ...lines(after(rest.join('\n'), diff) ?? '')];
  }
  const command = call?.tool === 'Bash' ? call.input.command : undefined;
  if (typeof command === 'string') {
    const shown = visible(command);
    const rest = after(body, shown);
    if (rest !== undefined) {
      const block = new CodeBlock('bash');
      block.show(shown);
      return [...described(call?.input.description), block.element, ...lines(rest)];
    }
  }
  return body === '' ? [] : [text(body)];
}

/** Returns what follows a part that may have been cut; undefined if it is another part. */
function after(body: string, part: string): string | undefined {
  if (body.startsWith(part)) {
    return body.slice(part.length);
  }
  const [before = '', ...rest] = body.split(CUT);
  return rest.length > 0 && part.startsWith(before) ? rest.join('') : undefined;
}

function text(words: string): HTMLElement {
  const attributes = { class: 'detail', tabindex: '0', role: 'group', 'aria-label': 'Detail' };
  return element('pre', attributes, visible(words));
}

function lines(words: string): readonly HTMLElement[] {
  return words
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => element('p', { class: 'hint' }, visible(line)));
}

function described(description: unknown): readonly HTMLElement[] {
  return typeof description === 'string' && description !== ''
    ? [element('p', {}, visible(description))]
    : [];
}
