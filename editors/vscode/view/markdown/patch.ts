/** From trees to elements: what is the same stays, so that a selection in a growing answer stays. */
import { CodeBlock } from './codeBlock';
import type { TreeNode } from './tree';

const blocks = new WeakMap<Node, CodeBlock>();

/**
 * Makes the children of an element what a tree says.
 *
 * @param before The tree that they were made of.
 */
export function patch(parent: Node, before: readonly TreeNode[], after: readonly TreeNode[]): void {
  for (const [index, now] of after.entries()) {
    const then = before[index];
    const there = parent.childNodes[index];
    if (then === now) {
      continue;
    }
    if (then === undefined || there === undefined) {
      parent.appendChild(make(now));
    } else if (!update(there, then, now)) {
      parent.replaceChild(make(now), there);
    }
  }
  while (parent.childNodes.length > after.length) {
    parent.lastChild?.remove();
  }
}

/** Makes the element of a node. */
export function make(tree: TreeNode): Node {
  switch (tree.kind) {
    case 'text':
      return document.createTextNode(tree.value);
    case 'code': {
      const block = new CodeBlock(tree.language);
      block.show(tree.value);
      blocks.set(block.element, block);
      return block.element;
    }
    case 'element': {
      const made = document.createElement(tree.name);
      for (const [name, value] of Object.entries(tree.attributes)) {
        made.setAttribute(name, value);
      }
      made.append(...tree.children.map((child) => make(child)));
      return made;
    }
  }
}

/** No more of this text comes: its code has its final colours. */
export function settle(parent: Element): void {
  for (const element of parent.querySelectorAll('.code')) {
    blocks.get(element)?.settle();
  }
}

/** Returns whether the element could become what the tree says. */
function update(there: Node, then: TreeNode, now: TreeNode): boolean {
  if (then.kind === 'text' && now.kind === 'text') {
    if (there instanceof Text && now.value.startsWith(then.value)) {
      there.appendData(now.value.slice(then.value.length));
    } else {
      there.nodeValue = now.value;
    }
    return true;
  }
  if (then.kind === 'code' && now.kind === 'code' && then.language === now.language) {
    blocks.get(there)?.show(now.value);
    return true;
  }
  if (then.kind === 'element' && now.kind === 'element' && then.name === now.name) {
    if (JSON.stringify(then.attributes) !== JSON.stringify(now.attributes)) {
      return false;
    }
    patch(there, then.children, now.children);
    return true;
  }
  return false;
}
