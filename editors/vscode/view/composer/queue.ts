/** The prompts that wait for the run at work: shown above the composer, changed and sent there. */
import type { QueuedPrompt } from '../../shared/messages';
import { button, element, iconButton } from '../dom';
import { post } from '../host';
import { oneLine, visible } from '../visible';

const STATES: Readonly<Record<QueuedPrompt['state'], string>> = {
  waiting: 'Next',
  kept: 'Kept',
  sending: 'Sending',
};
const TOOLTIPS: Readonly<Record<QueuedPrompt['state'], string>> = {
  waiting: 'Sent when the prompts before it are answered',
  kept: 'Sent with your next prompt, or by Send Now',
  sending: 'Sent with the result of the next tool',
};

export class QueuedPrompts {
  readonly element = element('ul', { class: 'queue', 'aria-label': 'Waiting Prompts' });
  private shown: readonly QueuedPrompt[] = [];
  private editing: string | undefined;

  /** @param left Called when an item has lost the focus for good: it has to go somewhere. */
  constructor(private readonly left: () => void) {
    this.show([]);
  }

  show(prompts: readonly QueuedPrompt[]): void {
    this.shown = prompts;
    if (!prompts.some(({ runId }) => runId === this.editing)) {
      this.editing = undefined;
    }
    // What is being written stays as it is.
    const field = this.element.querySelector('textarea');
    const own = this.editing === undefined ? null : (field?.closest('li') ?? null);
    this.element.hidden = prompts.length === 0;
    const items = prompts.map((each) => (each.runId === this.editing && own ? own : this.item(each)));
    if (own === null || items.length !== this.element.children.length || !items.includes(own)) {
      const focused = field !== null && document.activeElement === field;
      this.element.replaceChildren(...items);
      if (focused) {
        this.element.querySelector('textarea')?.focus();
      }
    }
  }

  private item(prompt: QueuedPrompt): HTMLElement {
    const { runId, state } = prompt;
    const name = oneLine(prompt.prompt, 60);
    if (runId === this.editing) {
      return element('li', { class: 'queued' }, this.field(prompt));
    }
    return element(
      'li',
      { class: 'queued', 'data-state': state },
      element('span', { class: 'queued-state', title: TOOLTIPS[state] }, STATES[state]),
      element('span', { class: 'queued-prompt', dir: 'auto', title: visible(prompt.prompt) }, oneLine(prompt.prompt)),
      iconButton('edit', `Edit ${name}`, () => this.edit(runId)),
      iconButton('arrow-circle-right', `Send Now: ${name}`, () => this.act('queueSend', runId), {
        ...(state === 'sending' && { disabled: '' }),
      }),
      iconButton('close', `Remove ${name}`, () => this.act('queueRemove', runId)),
    );
  }

  private field({ runId, prompt }: QueuedPrompt): HTMLElement {
    const field = element('textarea', { class: 'prompt-input', rows: '1', 'aria-label': 'Waiting Prompt' });
    field.value = prompt;
    const save = (): void => {
      this.editing = undefined;
      if (field.value.trim() !== '' && field.value !== prompt) {
        post({ type: 'queueEdit', runId, prompt: field.value });
      }
      this.show(this.shown);
      this.left();
    };
    field.addEventListener('keydown', (event) => {
      if (event.isComposing) {
        return;
      }
      if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
        event.preventDefault();
        save();
      } else if (event.key === 'Escape') {
        event.preventDefault();
        event.stopPropagation();
        field.value = prompt;
        save();
      }
    });
    return element('div', { class: 'queued-edit' }, field, button('Save', save, { class: 'secondary' }));
  }

  private edit(runId: string): void {
    this.editing = undefined;
    this.show(this.shown);
    this.editing = runId;
    this.element.replaceChildren(...this.shown.map((each) => this.item(each)));
    const field = this.element.querySelector('textarea');
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }

  private act(type: 'queueSend' | 'queueRemove', runId: string): void {
    post({ type, runId });
    this.left();
  }
}
