/** A block of code that can be copied, or inserted at the cursor. */
import { announce } from '../announce';
import { element, iconButton } from '../dom';
import { post } from '../host';
import { highlight } from './highlight';
import { type CodeNodes, patch } from './patch';
import { type TreeNode, text } from './tree';

/** While code grows, its colours take at most this share of the time. */
const SHARE = 0.05;
/** Once they take as long as this at a time, what is new of it waits for them until it is whole. */
const LONGEST_MS = 30;
const COPIED_MS = 1500;

export class CodeBlock {
  readonly element: HTMLElement;
  private readonly code = element('code');
  private tree: readonly TreeNode[] = [];
  private value = '';
  private coloured = { value: '', tree: [] as readonly TreeNode[] };
  private nextAt = 0;

  constructor(private readonly language: string) {
    const copy = iconButton('copy', 'Copy', () => this.copy(copy));
    const insert = iconButton('insert', 'Insert at Cursor', () => post({ type: 'insert', text: this.value }));
    const head = element(
      'div',
      { class: 'code-head' },
      element('span', { class: 'language' }, language),
      copy,
      insert,
    );
    const name = language === '' ? 'Code' : `Code, ${language}`;
    const body = element('pre', { tabindex: '0', role: 'group', 'aria-label': name }, this.code);
    this.element = element('div', { class: 'code' }, head, body);
  }

  /** Shows the code as far as it is known. */
  show(value: string): void {
    this.value = value;
    const began = performance.now();
    if (began < this.nextAt && value.startsWith(this.coloured.value)) {
      this.replace([...this.coloured.tree, text(value.slice(this.coloured.value.length))]);
      return;
    }
    this.colour();
    const now = performance.now();
    this.nextAt = now - began > LONGEST_MS ? Infinity : now + (now - began) / SHARE;
  }

  settle(): void {
    if (this.coloured.value !== this.value) {
      this.colour();
    }
  }

  private colour(): void {
    const tree = highlight(this.value, this.language) ?? [text(this.value)];
    this.coloured = { value: this.value, tree };
    this.replace(tree);
  }

  private replace(tree: readonly TreeNode[]): void {
    patch(this.code, this.tree, tree, codeBlocks);
    this.tree = tree;
  }

  private copy(copied: HTMLElement): void {
    post({ type: 'copy', text: this.value });
    announce('Copied');
    copied.classList.add('done');
    setTimeout(() => copied.classList.remove('done'), COPIED_MS);
  }
}

const blocks = new WeakMap<Node, CodeBlock>();

/** Shows code in blocks. */
export const codeBlocks: CodeNodes = {
  make({ language, value }) {
    const block = new CodeBlock(language);
    block.show(value);
    blocks.set(block.element, block);
    return block.element;
  },
  update(there, { value }) {
    blocks.get(there)?.show(value);
  },
};

/** No more of this text comes: its code gets its final colours. */
export function settle(parent: Element): void {
  for (const element of parent.querySelectorAll('.code')) {
    blocks.get(element)?.settle();
  }
}
