/** Texts that must not pretend to be something else: a command, a path, a title. */

import { element } from './dom';

/**
 * Control and format characters, surrogates, private and unassigned ones, line and paragraph ends, and
 * letters without a shape; not what gives an emoji its colours.
 */
const UNSEEN = /(?!(?<=\p{So})\ufe0f)[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]/gu;

/** Spells out what can't be seen, or turns the direction of writing, as the server does: "\\u202e". */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (character === '\n' || character === '\t') {
      return character;
    }
    if (character === '\r') {
      return '\\r';
    }
    const [letter, digits] = code < 0x100 ? ['x', 2] : code < 0x10000 ? ['u', 4] : ['U', 8];
    return `\\${letter}${code.toString(16).padStart(digits, '0')}`;
  });
}

/** Returns a text with what stands in backticks as code. */
export function withCode(text: string): (Node | string)[] {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 1 ? element('code', {}, part) : part));
}

/** Returns a text as one line of at most so many characters, with nothing unseen in it. */
export function oneLine(text: string, length = 200): string {
  const line = visible(text.replace(/\s+/g, ' ').trim());
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}
