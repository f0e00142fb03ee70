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

const GRANTS = '\n\nFor this session: ';
const CUT = /\n… \(\d+ more characters\)/;

/** Shows what a question says; nothing of its detail is left out, but for what is shown in full. */
export function detailOf(question: Question, call: AskedCall | undefined): readonly HTMLElement[] {
  if (question.document != null) {
    return [new GrowingMarkdown(question.document).element];
  }
  const { detail, diff } = question;
  if (diff != null) {
    const [path = '', ...rest] = detail.split('\n');
    return [text(path), unifiedDiff(diff), ...lines(after(rest.join('\n'), diff) ?? '')];
  }
  const command = call?.tool === 'Bash' ? call.input.command : undefined;
  if (typeof command === 'string') {
    const shown = visible(command);
    const rest = after(detail, shown);
    if (rest !== undefined) {
      const block = new CodeBlock('bash');
      block.show(shown);
      return [...described(call?.input.description), block.element, ...lines(rest)];
    }
  }
  // The last of such lines is the server's: others are the agent's words.
  const end = detail.lastIndexOf(GRANTS);
  const [body, grants] = end < 0 ? [detail, ''] : [detail.slice(0, end), detail.slice(end)];
  return [...(body === '' ? [] : [text(body)]), ...lines(grants)];
}

/** Returns what follows a part that may have been cut; undefined if it is another part. */
function after(body: string, part: string): string | undefined {
  if (body.startsWith(part)) {
    return body.slice(part.length);
  }
  const cut = CUT.exec(body);
  return cut !== null && part.startsWith(body.slice(0, cut.index))
    ? body.slice(cut.index + cut[0].length)
    : undefined;
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
