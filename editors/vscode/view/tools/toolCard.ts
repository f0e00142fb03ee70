/** A tool call: one line, which unfolds to what it was given and what came of it. */
import type { Location, MessageToolCall, RunEvent, ToolStatus } from '../../shared/protocol';
import { element, icon, iconButton } from '../dom';
import { post } from '../host';
import { type Output, countsOf, inputOf, outputOf } from './body';
import { type Input, hasDiff, pathOf, titleOf } from './titles';

type Status = ToolStatus | 'running';
type ResultEvent = Extract<RunEvent, { kind: 'toolResult' }>;

const ICONS: Readonly<Record<Status, string>> = {
  running: 'loading',
  completed: 'check',
  failed: 'error',
  denied: 'circle-slash',
};
const WORDS: Readonly<Record<Status, string>> = {
  running: 'running',
  completed: 'done',
  failed: 'failed',
  denied: 'denied',
};
/** What the user wants to see without unfolding it. */
const OPEN = new Set(['TodoWrite', 'ExitPlanMode']);

export class ToolCard {
  readonly element: HTMLElement;
  private readonly details: HTMLDetailsElement;
  private readonly verb = element('span', { class: 'tool-verb' });
  private readonly word = element('span', { class: 'tool-word' });
  private readonly state = element('span', { class: 'tool-state' });
  private readonly body = element('div', { class: 'tool-body' });
  private readonly inner = element('div', { class: 'tool-inner' });
  private status: Status = 'running';
  private output: Output | undefined;
  private filled = false;

  constructor(
    private readonly id: string,
    private readonly tool: string,
    private readonly input: Input,
    location?: Location,
  ) {
    const title = titleOf(tool, input);
    const subject = title.subject === '' ? undefined : element(title.code ? 'code' : 'span', {}, title.subject);
    subject?.classList.add('tool-subject');
    const summary = element(
      'summary',
      title.tooltip === '' ? {} : { title: title.tooltip },
      icon(title.icon),
      element('span', { class: 'tool-title' }, this.verb, subject === undefined ? '' : ' ', subject),
      this.counts(),
      this.state,
      this.word,
    );
    this.details = element('details', { class: 'tool' }, summary, this.body);
    this.details.addEventListener('toggle', () => this.fill());
    this.inner.hidden = true;
    this.element = element('div', { class: 'tool-card' }, this.details, this.actions(location), this.inner);
    this.settle('running');
    if (OPEN.has(tool)) {
      this.details.open = true;
      this.fill();
    }
  }

  /**
   * Of a session that was read.
   *
   * @param inner What a subagent has done and said for it.
   */
  static read(call: MessageToolCall, inner: readonly HTMLElement[] = []): ToolCard {
    const card = new ToolCard(call.toolCallId, call.tool, call.input);
    inner.forEach((each) => card.addInner(each));
    if (call.status == null) {
      card.abandon();
    } else {
      card.take({ status: call.status, text: call.text ?? '', truncated: call.truncated === true });
    }
    return card;
  }

  /** Takes what came of it. */
  end({ status, text, truncated }: ResultEvent): void {
    this.take({ status, text, truncated: truncated === true });
  }

  /** The run has ended, and nothing came of it. */
  abandon(): void {
    if (this.status === 'running') {
      this.settle('failed');
      this.word.textContent = 'stopped';
    }
  }

  /** Adds what a subagent does or says for it. */
  addInner(entry: HTMLElement): void {
    this.inner.hidden = false;
    this.inner.append(entry);
  }

  private take(output: Output): void {
    this.output = output;
    this.settle(output.status);
    if (this.filled) {
      this.body.append(...outputOf(this.tool, output));
    }
  }

  private settle(status: Status): void {
    const title = titleOf(this.tool, this.input);
    this.status = status;
    this.details.dataset.status = status;
    this.verb.textContent = status === 'completed' ? title.done : title.doing;
    this.word.textContent = WORDS[status];
    this.word.classList.toggle('unseen', status === 'running' || status === 'completed');
    this.state.replaceChildren(icon(ICONS[status]));
  }

  /** What is folded is not made. */
  private fill(): void {
    if (this.details.open && !this.filled) {
      this.filled = true;
      this.body.append(...inputOf(this.tool, this.input));
      if (this.output !== undefined) {
        this.body.append(...outputOf(this.tool, this.output));
      }
    }
  }

  private counts(): HTMLElement | undefined {
    const counts = countsOf(this.tool, this.input);
    return (
      counts &&
      element(
        'span',
        { class: 'counts' },
        element('span', { class: 'added' }, `+${counts.added}`),
        ' ',
        element('span', { class: 'removed' }, `−${counts.removed}`),
      )
    );
  }

  private actions(location: Location | undefined): HTMLElement {
    const path = pathOf(this.input);
    const buttons: HTMLElement[] = [];
    const name = titleOf(this.tool, this.input).subject;
    if (hasDiff(this.tool)) {
      const open = (): void => post({ type: 'openDiff', toolCallId: this.id });
      buttons.push(iconButton('diff', `Open Diff of ${name}`, open));
    }
    if (path !== undefined) {
      const open = (): void =>
        location === undefined
          ? post({ type: 'openLink', href: path })
          : post({ type: 'openFile', uri: location.uri, line: location.range?.start.line });
      buttons.push(iconButton('go-to-file', `Open ${name}`, open));
    }
    return element('div', { class: 'tool-actions' }, ...buttons);
  }
}
