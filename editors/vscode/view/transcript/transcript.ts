/** What has been said: a session as it was read, then what comes in, a frame's worth at a time. */
import type { ShownMessage as Message, Step } from '../../shared/messages';
import type { Run, RunEvent } from '../../shared/protocol';
import { announce } from '../announce';
import { element } from '../dom';
import { post } from '../host';
import { ToolCard } from '../tools/toolCard';
import { oneLine } from '../visible';
import { Answer } from './answer';
import { EntryList } from './entryList';
import { nestedWords } from './nested';
import { compactionOf, noticeOf } from './notice';
import { failureOf, outcomeOf, saysAgain } from './outcome';
import { promptOf } from './prompt';
import { entriesOf } from './reading';
import { Scroller } from './scroller';
import { Thinking } from './thinking';

type CallEvent = Extract<RunEvent, { kind: 'toolCall' }>;
interface Growing {
  readonly key: string;
  readonly entry: Answer | Thinking;
}

const READ_OUT = 600;
const LEVELS = { info: 'info', warning: 'warning', error: 'error' } as const;

export interface Listener {
  /** How full the context is, and what it has cost. */
  usage(event: Extract<RunEvent, { kind: 'usage' }>): void;
  ended(run: Run): void;
  /** Whether there is anything to read. */
  filled(filled: boolean): void;
}

export class Transcript {
  readonly element: HTMLElement;
  private readonly viewport = element('div', {
    class: 'transcript',
    role: 'region',
    tabindex: '0',
    'aria-label': 'Conversation',
  });
  private readonly entries = new EntryList(this.viewport);
  private readonly scroller = new Scroller(this.viewport, this.entries.element);
  private readonly tools = new Map<string, ToolCard>();
  /** What is asked, by the question's id. */
  private readonly asked = new Map<string, string>();
  private growing: Growing | undefined;
  /** What was told last beside the answer. */
  private noted: { readonly text: string; readonly shown: HTMLElement } | undefined;
  private answer: { readonly messageId: string; readonly entry: Answer } | undefined;
  private waiting: Step[] = [];
  private frame: number | undefined;

  constructor(private readonly listener: Listener) {
    this.viewport.append(this.entries.element);
    this.element = element('div', { class: 'transcript-frame' }, this.viewport, this.scroller.toEnd);
    this.viewport.addEventListener('click', (event) => this.follow(event));
    this.viewport.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') {
        this.follow(event);
      }
    });
  }

  /** Shows a conversation in place of what was shown. */
  show(messages: readonly Message[], steps: readonly Step[]): void {
    this.waiting = [];
    this.growing = this.answer = this.noted = undefined;
    this.tools.clear();
    this.asked.clear();
    this.entries.clear();
    this.entries.addLater(entriesOf(messages));
    this.used(messages);
    this.take(steps);
    this.listener.filled(messages.length > 0 || steps.length > 0);
    this.scroller.end();
  }

  /** Tells how full the context was when the last run ended. */
  private used(messages: readonly Message[]): void {
    const last = messages.findLast(({ run }) => run?.contextTokens != null)?.run;
    if (last?.contextTokens != null && last.contextWindow != null) {
      const { contextTokens, contextWindow } = last;
      this.listener.usage({ kind: 'usage', contextTokens, contextWindow, costUsd: 0 });
    }
  }

  /** Shows what has happened, with the next frame. */
  add(steps: readonly Step[]): void {
    this.waiting.push(...steps);
    this.frame ??= requestAnimationFrame(() => this.flush());
  }

  /** Shows at once what waits for the next frame. */
  flush(): void {
    if (this.frame !== undefined) {
      cancelAnimationFrame(this.frame);
      this.frame = undefined;
    }
    this.take(this.waiting.splice(0));
    this.scroller.follow();
  }

  private take(steps: readonly Step[]): void {
    for (const step of gathered(steps)) {
      switch (step.kind) {
        case 'prompt':
          this.finish();
          this.entries.add(promptOf(step.prompt, step.context));
          this.scroller.end();
          break;
        case 'failure':
          this.end();
          this.entries.add(failureOf(step.message, step.hint));
          announce(`${step.message} ${step.hint ?? ''}`, true);
          break;
        case 'event':
          this.happened(step.event);
      }
    }
    if (steps.length > 0) {
      this.listener.filled(true);
    }
  }

  private happened(event: RunEvent): void {
    switch (event.kind) {
      case 'text':
      case 'thinking':
        if (event.parentToolCallId == null) {
          this.say(event.kind, event.messageId, event.text);
        } else {
          this.nest(event.parentToolCallId, nestedWords(event.kind, event.text));
        }
        return;
      case 'retracted':
        this.retract(event.messageId, event.text);
        return;
      case 'toolCall':
        this.call(event);
        return;
      case 'toolResult':
        this.tools.get(event.toolCallId)?.end(event);
        return;
      case 'started':
        if (event.run.cause != null) {
          this.note('info', event.run.cause);
        }
        return;
      case 'steered':
        this.finish();
        this.entries.add(promptOf(event.text, []));
        this.scroller.end();
        return;
      case 'notice':
        this.note(LEVELS[event.level], event.text);
        return;
      case 'question':
        this.asked.set(event.question.questionId, event.question.title);
        return;
      case 'questionAnswered':
        if (event.by === 'deadline') {
          const title = this.asked.get(event.questionId) ?? '';
          this.note('warning', `Nobody answered in time, so the answer was no: ${oneLine(title)}`);
        }
        return;
      case 'compacted':
        this.note('info', compactionOf(event.tokensBefore, event.tokensAfter));
        return;
      case 'usage':
        this.listener.usage(event);
        return;
      case 'ended':
        this.ended(event.run);
        return;
      default: // the outcome names the changed files
    }
  }

  private note(level: 'info' | 'warning' | 'error', text: string): void {
    this.finish();
    const shown = noticeOf(level, text);
    this.entries.add(shown);
    this.noted = { text, shown };
  }

  private say(kind: 'text' | 'thinking', messageId: string, words: string): void {
    const key = `${kind} ${messageId}`;
    if (this.growing?.key !== key) {
      this.finish();
      const entry = kind === 'text' ? new Answer() : new Thinking();
      if (entry instanceof Answer) {
        this.answer = { messageId, entry };
      }
      this.entries.add(entry.element);
      this.growing = { key, entry };
    }
    this.growing.entry.append(words);
  }

  private retract(messageId: string, words: string): void {
    this.finish();
    if (this.answer?.messageId === messageId) {
      this.answer.entry.retract(words);
    }
  }

  private call({ toolCallId, tool, input, locations, parentToolCallId }: CallEvent): void {
    const card = new ToolCard(toolCallId, tool, input, locations[0]);
    this.tools.set(toolCallId, card);
    this.nest(parentToolCallId ?? undefined, card.element);
  }

  /** Adds an entry below the call of its subagent; without one that is here, below all others. */
  private nest(parentToolCallId: string | undefined, entry: HTMLElement): void {
    const parent = parentToolCallId === undefined ? undefined : this.tools.get(parentToolCallId);
    if (parent === undefined) {
      this.finish();
      this.entries.add(entry);
    } else {
      parent.addInner(entry); // what the agent itself says meanwhile goes on
    }
  }

  private ended(run: Run): void {
    this.end();
    if (this.noted !== undefined && saysAgain(run, this.noted.text)) {
      this.entries.remove(this.noted.shown);
    }
    this.entries.add(outcomeOf(run));
    this.listener.ended(run);
    const said = run.error == null ? run.text : `${run.error.message} ${run.error.hint}`;
    announce(oneLine(said, READ_OUT), run.error != null);
  }

  private finish(): void {
    this.growing?.entry.finish();
    this.growing = undefined;
  }

  private end(): void {
    this.finish();
    for (const card of this.tools.values()) {
      card.abandon();
    }
  }

  private follow(event: Event): void {
    const link = event.target instanceof Element ? event.target.closest('[data-href]') : null;
    const href = link?.getAttribute('data-href') ?? '';
    if (href !== '') {
      event.preventDefault();
      post({ type: 'openLink', href });
    }
  }
}

/** Words of one message that come together are shown together. */
function gathered(steps: readonly Step[]): Step[] {
  const result: Step[] = [];
  for (const step of steps) {
    const last = result.at(-1);
    if (last?.kind === 'event' && step.kind === 'event') {
      const [before, now] = [last.event, step.event];
      const words = now.kind === 'text' || now.kind === 'thinking';
      if (words && before.kind === now.kind && before.messageId === now.messageId) {
        result[result.length - 1] = { kind: 'event', event: { ...now, text: before.text + now.text } };
        continue;
      }
    }
    result.push(step);
  }
  return result;
}
