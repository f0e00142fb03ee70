/** Words of the agent, a file or a session, where VS Code would read them as its own markup. */

const ZERO_WIDTH = '\u200b';
// Controls and the marks that turn the direction of writing: a line must not pretend to be another.
const UNSEEN =
  // eslint-disable-next-line no-control-regex -- these are what it is about
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/**
 * Returns a text as one line that shows nothing but itself: no `$(icon)`, which labels would draw,
 * and no `[link](command:…)`, which notifications would run.
 *
 * @param length At most so many characters.
 */
export function plain(text: string, length = 200): string {
  const line = text.replace(UNSEEN, ' ').trim();
  const short = line.length > length ? `${line.slice(0, length - 1)}…` : line;
  return short.replaceAll('$(', `$${ZERO_WIDTH}(`).replaceAll('](', `]${ZERO_WIDTH}(`);
}

/**
 * Returns a Markdown text that fetches nothing when it is shown: its images become links, its HTML is
 * shown as it is written, and its code is in no language that a preview would draw, as it does
 * Mermaid's, with images of its own.
 */
export function fetchingNothing(markdown: string): string {
  return markdown
    .replaceAll('![', `!${ZERO_WIDTH}[`)
    .replaceAll(/<(?=[a-z/!?])/gi, `<${ZERO_WIDTH}`)
    .replaceAll(/(?<=(?:`{3}|~{3}).*)(\w)(?=\w)/g, `$1${ZERO_WIDTH}`);
}
