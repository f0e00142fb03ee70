/** The lines that an edit takes away and puts in their place. */
import { diffLines } from 'diff';
import { element } from '../dom';
import { visible } from '../visible';

const CONTEXT = 3;
const MOST_LINES = 400;
const MOST_MS = 50;

interface Line {
  readonly sign: '+' | '-' | ' ' | '⋯';
  readonly text: string;
}

export interface Counts {
  readonly added: number;
  readonly removed: number;
}

/** Shows both texts as one, and counts what differs. */
export function lineDiff(before: string, after: string): { element: HTMLElement; counts: Counts } {
  return shown(near(linesOf(before, after)), MOST_LINES);
}

function shown(lines: readonly Line[], most = Infinity): { element: HTMLElement; counts: Counts } {
  const counts = {
    added: lines.filter(({ sign }) => sign === '+').length,
    removed: lines.filter(({ sign }) => sign === '-').length,
  };
  const rows = lines.slice(0, most).map(row);
  if (lines.length > most) {
    rows.push(row({ sign: '⋯', text: `${lines.length - most} more lines` }));
  }
  const name = `${counts.added} lines added, ${counts.removed} removed`;
  const diff = element('div', { class: 'diff', tabindex: '0', role: 'group', 'aria-label': name }, ...rows);
  return { element: diff, counts };
}

/** Shows a unified diff, as the server tells it, and all of it. */
export function unifiedDiff(diff: string): HTMLElement {
  const lines = diff.split('\n').slice(2); // the names stand above it
  return shown(
    lines.map((line): Line => {
      const sign = line.charAt(0);
      return sign === '+' || sign === '-' || sign === ' '
        ? { sign, text: line.slice(1) }
        : { sign: '⋯', text: '' };
    }),
  ).element;
}

function linesOf(before: string, after: string): Line[] {
  const changes = diffLines(before, after, { timeout: MOST_MS });
  if (changes === undefined) {
    return [...split('-', before), ...split('+', after)];
  }
  return changes.flatMap(({ value, added, removed }) => split(added ? '+' : removed ? '-' : ' ', value));
}

function split(sign: Line['sign'], text: string): Line[] {
  return text === ''
    ? []
    : text.replace(/\n$/, '').split('\n').map((line) => ({ sign, text: line }));
}

/** Leaves out what is far from a change. */
function near(lines: readonly Line[]): Line[] {
  const kept = new Set<number>();
  for (const [index, { sign }] of lines.entries()) {
    if (sign !== ' ') {
      for (let each = index - CONTEXT; each <= index + CONTEXT; each++) {
        kept.add(each);
      }
    }
  }
  const result: Line[] = [];
  for (const [index, line] of lines.entries()) {
    if (kept.has(index)) {
      result.push(line);
    } else if (result.at(-1)?.sign !== '⋯') {
      result.push({ sign: '⋯', text: '' });
    }
  }
  return result;
}

function row({ sign, text }: Line): HTMLElement {
  const kind = { '+': 'added', '-': 'removed', ' ': 'same', '⋯': 'left-out' }[sign];
  return element(
    'div',
    { class: `diff-line ${kind}` },
    element('span', { class: 'sign' }, sign),
    element('span', { class: 'diff-text' }, visible(text)),
  );
}
