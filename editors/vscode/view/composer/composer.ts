/** Where the user writes: the prompt, what goes with it, and how it is run. */
import type { SendHow, State, ToView } from '../../shared/messages';
import { button, element, iconButton } from '../dom';
import { post } from '../host';
import { Choices } from './choices';
import { Completion } from './completion';
import { ContextChips } from './context';
import { drafts } from './drafts';
import { takePastes } from './images';
import { PromptHistory } from './history';
import { QueuedPrompts } from './queue';

export class Composer {
  readonly element: HTMLElement;
  readonly context = new ContextChips(() => this.input.focus());
  readonly queue = new QueuedPrompts(() => this.input.focus());
  private readonly input = element('textarea', {
    class: 'prompt-input',
    rows: '1',
    'aria-label': 'Ask Claude',
    placeholder: 'Ask Claude (@ file, / command)',
    spellcheck: 'true',
    dir: 'auto',
  });
  private readonly completion = new Completion(this.input);
  private readonly choices = new Choices();
  private readonly history = new PromptHistory();
  private readonly send = iconButton('send', 'Send', () => this.submit(), { class: 'send' });
  private readonly now = button('Send Now', () => this.submit('steer'), {
    class: 'secondary',
    title: 'Send with the result of the next tool (Ctrl+Enter)',
    'aria-keyshortcuts': 'Control+Enter',
  });
  private readonly instead = button('Stop and Send', () => this.submit('stop'), {
    class: 'secondary',
    title: 'Stop the run and send this in its place (Ctrl+Shift+Enter)',
    'aria-keyshortcuts': 'Control+Shift+Enter',
  });
  private readonly attach = iconButton('attach', 'Attach Files', () => post({ type: 'attachDialog' }));
  private running = false;
  private typedAt = -Infinity;

  constructor() {
    this.input.value = drafts.current;
    takePastes(this.input);
    this.input.addEventListener('keydown', (event) => this.key(event));
    this.input.addEventListener('input', () => this.changed());
    this.element = element(
      'div',
      { class: 'composer', role: 'group', 'aria-label': 'Prompt' },
      this.completion.list.element,
      this.context.element,
      this.input,
      element(
        'div',
        { class: 'composer-bar' },
        this.attach,
        this.choices.element,
        element('div', { class: 'send-actions' }, this.now, this.instead, this.send),
      ),
    );
    this.changed();
  }

  /** Whether the user is writing: nothing may take the focus away. */
  get busy(): boolean {
    const recently = performance.now() - this.typedAt < 1500;
    return document.activeElement === this.input && (this.input.value !== '' || recently);
  }

  show(state: State): void {
    this.running = state.running;
    this.input.disabled = !state.trusted;
    this.attach.disabled = !state.trusted;
    this.choices.show(state);
    this.queue.show(state.queue);
    this.enable();
  }

  /** Another conversation may be shown: what was being written in it is there again. */
  turnTo(state: State, prompts: readonly string[]): void {
    const draft = drafts.turnTo(state);
    if (draft !== undefined) {
      this.write(draft);
    }
    this.history.fill(prompts);
  }

  offer(capabilities: Extract<ToView, { type: 'capabilities' }>): void {
    this.choices.offer(capabilities);
    this.completion.offerCommands(capabilities.commands);
  }

  offerFiles(files: Extract<ToView, { type: 'files' }>): void {
    this.completion.offerFiles(files);
  }

  /** @param text Replaces what is written, unless it is undefined. */
  focus(text?: string): void {
    if (text !== undefined) {
      this.write(text);
    }
    this.input.focus();
  }

  private key(event: KeyboardEvent): void {
    this.typedAt = performance.now();
    if (event.isComposing) {
      return;
    }
    const control = event.ctrlKey || event.metaKey;
    if (this.completion.key(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Enter' && !event.altKey && (control || !event.shiftKey)) {
      event.preventDefault();
      this.submit(!control ? 'queue' : event.shiftKey ? 'stop' : 'steer');
    } else if (event.key === 'ArrowUp' && this.onEdge('first')) {
      this.recall(event, this.history.back(this.input.value));
    } else if (event.key === 'ArrowDown' && this.history.browsing && this.onEdge('last')) {
      this.recall(event, this.history.forward());
    }
  }

  private submit(how: SendHow = 'queue'): void {
    const prompt = this.input.value;
    if (prompt.trim() === '' || this.input.disabled) {
      return;
    }
    post({ type: 'send', prompt, how });
    this.history.add(prompt);
    this.write('');
    this.input.focus();
  }

  private recall(event: KeyboardEvent, prompt: string | undefined): void {
    if (prompt !== undefined) {
      event.preventDefault();
      this.input.value = prompt;
      this.enable();
      drafts.keep(prompt);
      const end = event.key === 'ArrowUp' ? 0 : prompt.length;
      this.input.setSelectionRange(end, end);
    }
  }

  private write(text: string): void {
    this.input.value = text;
    this.input.setSelectionRange(text.length, text.length);
    this.completion.hide();
    this.changed();
  }

  private changed(): void {
    this.history.leave();
    drafts.keep(this.input.value);
    this.enable();
  }

  private enable(): void {
    this.send.disabled = this.input.disabled || this.input.value.trim() === '';
    this.now.hidden = this.instead.hidden = !this.running || this.send.disabled;
    const label = this.running ? 'Queue' : 'Send';
    this.send.title = label;
    this.send.setAttribute('aria-label', label);
  }

  private onEdge(edge: 'first' | 'last'): boolean {
    const { selectionStart: start, selectionEnd: end, value } = this.input;
    const outside = edge === 'first' ? value.slice(0, start) : value.slice(end);
    return start === end && !outside.includes('\n');
  }
}
