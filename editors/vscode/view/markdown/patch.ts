/** From trees to elements: what is the same stays, so that a selection in a growing answer stays. */
import type { CodeNode, TreeNode } from './tree';

/** Makes what shows a code node, and updates it as the code grows. */
export interface CodeNodes {
  make(code: CodeNode): Node;
  update(there: Node, code: CodeNode): void;
}

/**
 * Makes the children of an element what a tree says.
 *
 * @param before The tree that they were made of.
 * @param codeNodes Shows the code among them.
 */
export function patch(
  parent: Node,
  before: readonly TreeNode[],
  after: readonly TreeNode[],
  codeNodes: CodeNodes,
): void {
  for (const [index, now] of after.entries()) {
    const then = before[index];
    const there = parent.childNodes[index];
    if (then === now) {
      continue;
    }
    if (then === undefined || there === undefined) {
      parent.appendChild(make(now, codeNodes));
    } else if (!update(there, then, now, codeNodes)) {
      parent.replaceChild(make(now, codeNodes), there);
    }
  }
  while (parent.childNodes.length > after.length) {
    parent.lastChild?.remove();
  }
}

/** Makes the element of a node. */
function make(tree: TreeNode, codeNodes: CodeNodes): Node {
  switch (tree.kind) {
    case 'text':
      return document.createTextNode(tree.value);
    case 'code':
      return codeNodes.make(tree);
    case 'element': {
      const made = document.createElement(tree.name);
      for (const [name, value] of Object.entries(tree.attributes)) {
        made.setAttribute(name, value);
      }
      made.append(...tree.children.map((child) => make(child, codeNodes)));
      return made;
    }
  }
}

/** Returns whether the element could become what the tree says. */
function update(there: Node, then: TreeNode, now: TreeNode, codeNodes: CodeNodes): boolean {
  if (then.kind === 'text' && now.kind === 'text') {
    if (there instanceof Text && now.value.startsWith(then.value)) {
      there.appendData(now.value.slice(then.value.length));
    } else {
      there.nodeValue = now.value;
    }
    return true;
  }
  if (then.kind === 'code' && now.kind === 'code' && then.language === now.language) {
    codeNodes.update(there, now);
    return true;
  }
  if (then.kind === 'element' && now.kind === 'element' && then.name === now.name) {
    if (JSON.stringify(then.attributes) !== JSON.stringify(now.attributes)) {
      return false;
    }
    patch(there, then.children, now.children, codeNodes);
    return true;
  }
  return false;
}
