/** Markdown that grows: what is complete is made once, only its last block again and again. */
import { codeBlocks, settle } from './codeBlock';
import { type References, parse } from './parse';
import { patch } from './patch';
import type { TreeNode } from './tree';

export class GrowingMarkdown {
  readonly element = document.createElement('div');
  private readonly live = document.createElement('div');
  /** Of what is complete: half a definition would be kept for the whole one. */
  private references: References = {};
  private defines = false;
  private whole = '';
  private tail = '';
  private tree: readonly TreeNode[] = [];

  constructor(source = '') {
    this.element.className = 'markdown';
    this.live.className = 'live';
    this.element.append(this.live);
    if (source !== '') {
      this.append(source);
      this.finish();
    }
  }

  /** All that was said. */
  get source(): string {
    return this.whole;
  }

  append(words: string): void {
    this.whole += words;
    this.tail += words;
    const references = { ...this.references };
    const blocks = parse(this.tail, references);
    this.defines ||= Object.keys(references).length > 0;
    const last = blocks.at(-1);
    // A block is complete once a line that begins the next one is: half a line may still become
    // part of the block before it.
    const complete = this.tail.split('\n').length - 1;
    if (last !== undefined && last.line > 0 && last.line < complete) {
      const nodes = blocks.slice(0, -1).flatMap((block) => block.nodes);
      this.show([...nodes, ...last.nodes]);
      this.freeze(nodes.length);
      const lines = this.tail.split('\n');
      parse(lines.slice(0, last.line).join('\n'), this.references);
      this.tail = lines.slice(last.line).join('\n');
      this.tree = last.nodes;
    } else {
      this.show(blocks.flatMap((block) => block.nodes));
    }
  }

  /** Nothing more comes. */
  finish(): void {
    if (this.defines) {
      // A link may be defined after it was used, in what is complete already.
      const all = parse(this.whole, {}).flatMap((block) => block.nodes);
      this.element.replaceChildren(this.live);
      this.live.replaceChildren();
      patch(this.live, [], all, codeBlocks);
      this.direct();
    }
    settle(this.element);
    this.live.replaceWith(...this.live.childNodes);
  }

  private show(tree: readonly TreeNode[]): void {
    patch(this.live, this.tree, tree, codeBlocks);
    this.direct();
    this.tree = tree;
  }

  /** Has each block written from the right or the left as its first letter is; code is from the left. */
  private direct(): void {
    for (const block of this.live.children) {
      block.setAttribute('dir', block.classList.contains('code') ? 'ltr' : 'auto');
    }
  }

  /** Moves the first nodes out of what still changes. */
  private freeze(count: number): void {
    for (const child of [...this.live.childNodes].slice(0, count)) {
      if (child instanceof Element) {
        settle(child);
      }
      this.live.before(child);
    }
  }
}
