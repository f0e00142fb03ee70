/** What a link may lead to, and which words are links to files. The host decides what is opened. */
import { oneLine } from '../visible';
import { type ElementNode, type TreeNode, node } from './tree';

const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const ALLOWED = new Set(['http', 'https', 'mailto', 'file']);
const PATH = /^[\w@.~+()[\] -]*(?:[/\\][\w@.~+()[\] -]+)*\.[A-Za-z]\w{0,9}$/;
const LINE = /(?::\d+(?::\d+)?(?:-\d+)?|#L\d+(?:-L?\d+)?)$/;

/** Whether a link is shown as one: `javascript:`, `command:` and their like are mere words. */
export function leads(href: string): boolean {
  const scheme = SCHEME.exec(href.trim())?.[1];
  return href !== '' && !href.startsWith('#') && (!scheme || ALLOWED.has(scheme.toLowerCase()));
}

/**
 * Whether inline code names a file: "src/app.py", "app.py:12", "src/app.py#L3-L9". A mere name
 * without a directory or a line is as likely a module or an attribute.
 */
export function namesFile(code: string): boolean {
  const bare = code.replace(LINE, '');
  const placed = bare !== code || /[/\\]/.test(bare);
  return placed && code.length < 300 && !code.includes('//') && PATH.test(bare);
}

/**
 * Makes a link. It has no `href`, so that nothing but our own code ever follows it; where it leads
 * is shown while the mouse rests on it.
 */
export function link(href: string, children: readonly TreeNode[]): ElementNode {
  const attributes = { role: 'link', tabindex: '0', 'data-href': href, title: oneLine(href) };
  return node('a', attributes, children);
}
