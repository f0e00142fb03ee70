/** From Markdown to a tree. No HTML of it is believed, and no picture is fetched. */
import MarkdownIt, { type Token } from 'markdown-it';
import { leads, link, namesFile } from './links';
import { type ElementName, type TreeNode, node, text } from './tree';

export interface Block {
  readonly nodes: readonly TreeNode[];
  /** The line at which it begins, counted from 0. */
  readonly line: number;
}

/** What the definitions of links in a message have said so far. */
export type References = Record<string, unknown>;

const markdown = new MarkdownIt({ html: false, linkify: true });
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
markdown.validateLink = leads;

const NAMES: ReadonlySet<string> = new Set<ElementName>([
  ...(['blockquote', 'br', 'em', 'hr', 'li', 'ol', 'p', 's', 'strong', 'ul'] as const),
  ...(['table', 'tbody', 'td', 'th', 'thead', 'tr'] as const),
]);

/**
 * Parses Markdown into its outermost blocks.
 *
 * @param references Of the same message; what this text defines is added.
 */
export function parse(source: string, references: References): Block[] {
  const blocks: Block[] = [];
  let from = 0;
  const tokens = markdown.parse(source, { references });
  for (const [index, token] of tokens.entries()) {
    if (token.level === 0 && token.nesting <= 0) {
      const line = tokens[from]?.map?.[0] ?? 0;
      blocks.push({ nodes: treeOf(tokens.slice(from, index + 1)), line });
      from = index + 1;
    }
  }
  return blocks;
}

function treeOf(tokens: readonly Token[]): TreeNode[] {
  interface Open {
    readonly token: Token | undefined;
    readonly children: TreeNode[];
  }
  const root: Open = { token: undefined, children: [] };
  const stack: Open[] = [root];
  for (const token of tokens) {
    const top = stack.at(-1) ?? root;
    if (token.nesting > 0) {
      stack.push({ token, children: [] });
    } else if (token.nesting < 0) {
      stack.pop();
      const parent = stack.at(-1) ?? root;
      parent.children.push(...closed(top.token ?? token, top.children));
    } else {
      top.children.push(...leaf(token));
    }
  }
  return merged(root.children);
}

/** Returns what an element is, once all that is in it is known. */
function closed(token: Token, inner: readonly TreeNode[]): readonly TreeNode[] {
  const children = merged(inner);
  if (token.hidden) {
    return children; // a paragraph of a tight list
  }
  const { tag } = token;
  if (tag === 'a') {
    return [link(token.attrGet('href') ?? '', children)];
  }
  if (/^h[1-6]$/.test(tag)) {
    return [node('h3', { class: `level-${tag.slice(1)}` }, children)];
  }
  if (tag === 'table') {
    const around = { class: 'wide', role: 'group', tabindex: '0', 'aria-label': 'Table' };
    return [node('div', around, [node('table', {}, children)])];
  }
  if (tag === 'li') {
    return [node('li', {}, withBox(children))];
  }
  return NAMES.has(tag) ? [node(tag as ElementName, attributesOf(token), children)] : children;
}

function leaf(token: Token): readonly TreeNode[] {
  switch (token.type) {
    case 'inline':
      return treeOf(token.children ?? []);
    case 'fence':
    case 'code_block': {
      const language = /^[\w+#.-]*/.exec(token.info.trim())?.[0] ?? '';
      return [{ kind: 'code', language, value: token.content.replace(/\n$/, '') }];
    }
    case 'code_inline': {
      const code = node('code', {}, [text(token.content)]);
      return namesFile(token.content) ? [link(token.content, [code])] : [code];
    }
    case 'softbreak':
      return [text('\n')];
    case 'hardbreak':
      return [node('br', {}, [])];
    case 'hr':
      return [node('hr', {}, [])];
    case 'image': {
      const source = token.attrGet('src') ?? '';
      const name = text(token.content === '' ? 'image' : token.content);
      return leads(source) ? [link(source, [name])] : [name];
    }
    default:
      return [text(token.content)];
  }
}

function attributesOf(token: Token): Record<string, string> {
  const start = token.attrGet('start');
  const align = /^text-align:(left|center|right)$/.exec(token.attrGet('style') ?? '')?.[1];
  return {
    ...(start !== null && /^\d+$/.test(start) && { start }),
    ...(align !== undefined && { class: `align-${align}` }),
  };
}

/** "[ ] to do" in a list has a box. */
function withBox(children: readonly TreeNode[]): readonly TreeNode[] {
  const [first, ...rest] = children;
  if (first?.kind === 'element' && first.name === 'p') {
    return [{ ...first, children: withBox(first.children) }, ...rest];
  }
  if (first?.kind !== 'text') {
    return children;
  }
  const box = /^\[([ xX])\] /.exec(first.value);
  return box === null
    ? children
    : [text(`${box[1] === ' ' ? '☐' : '☑'} ${first.value.slice(box[0].length)}`), ...rest];
}

/** Texts beside each other become one, as nodes and elements are counted alike. */
function merged(nodes: readonly TreeNode[]): TreeNode[] {
  const result: TreeNode[] = [];
  for (const each of nodes) {
    const last = result.at(-1);
    if (last?.kind === 'text' && each.kind === 'text') {
      result[result.length - 1] = text(last.value + each.value);
    } else if (each.kind !== 'text' || each.value !== '') {
      result.push(each);
    }
  }
  return result;
}
