/** Texts that must not pretend to be something else: a command, a path, a title. */

import { element } from './dom';

const UNSEEN =
  // eslint-disable-next-line no-control-regex -- these are what it is about
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Makes characters that can't be seen, or turn the direction of writing, visible: "\u{202E}".
 * Line ends and tabs stay.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;
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
