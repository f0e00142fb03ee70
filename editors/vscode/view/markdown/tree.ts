/** What Markdown says, before it is elements. Two trees are compared, and only what differs is made. */

export interface TextNode {
  readonly kind: 'text';
  readonly value: string;
}

export interface ElementNode {
  readonly kind: 'element';
  readonly name: ElementName;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly TreeNode[];
}

/** A code block: it has buttons, and is highlighted. */
export interface CodeNode {
  readonly kind: 'code';
  readonly language: string;
  readonly value: string;
}

export type TreeNode = TextNode | ElementNode | CodeNode;

/** All elements that Markdown can become. Neither script, style, image nor frame is among them. */
export type ElementName =
  | 'a'
  | 'blockquote'
  | 'br'
  | 'code'
  | 'div'
  | 'em'
  | 'h3'
  | 'hr'
  | 'li'
  | 'ol'
  | 'p'
  | 's'
  | 'span'
  | 'strong'
  | 'table'
  | 'tbody'
  | 'td'
  | 'th'
  | 'thead'
  | 'tr'
  | 'ul';

export function text(value: string): TextNode {
  return { kind: 'text', value };
}

export function node(
  name: ElementName,
  attributes: Readonly<Record<string, string>>,
  children: readonly TreeNode[],
): ElementNode {
  return { kind: 'element', name, attributes, children };
}
