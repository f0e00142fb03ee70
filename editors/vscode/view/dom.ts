/** Elements, made without any HTML: a text stays a text. */

export type Attributes = Readonly<Record<string, string | undefined>>;
export type Child = Node | string | undefined;

/** Makes an element with attributes and children; what is undefined is left out. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      made.setAttribute(key, value);
    }
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** An icon of VS Code's set, as styles/icons.css has it; it says nothing to a screen reader. */
export function icon(name: string): HTMLElement {
  return element('span', { class: `icon icon-${name}`, 'aria-hidden': 'true' });
}

/** Makes a button that shows a text. */
export function button(label: string, act: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const made = element('button', { type: 'button', ...attributes }, label);
  made.addEventListener('click', act);
  return made;
}

/** Makes a button that shows an icon; its name is read out, and shown while the mouse rests on it. */
export function iconButton(
  name: string,
  label: string,
  act: () => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  const made = element(
    'button',
    { type: 'button', 'aria-label': label, title: label, ...attributes },
    icon(name),
  );
  made.classList.add('icon-button');
  made.addEventListener('click', act);
  return made;
}

let last = 0;

/** Returns an id that no element of the page has. */
export function freshId(prefix: string): string {
  return `${prefix}-${++last}`;
}
