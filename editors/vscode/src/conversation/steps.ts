/** What has happened in a conversation, and what can be told of it. */
import { CancellationTokenSource } from 'vscode';
import type { Message, Run, RunEvent } from '../../shared/protocol';
import type { OfferedContext } from '../context/selection';
import type { EditCall } from '../diffs';

/** What goes with a prompt besides its text. */
export interface PromptExtras {
  readonly context?: OfferedContext | undefined;
  readonly attachments?: readonly string[];
}

/** What has happened in a conversation since its messages were read. */
export type Step =
  | { readonly kind: 'prompt'; readonly prompt: string; readonly extras: PromptExtras }
  | { readonly kind: 'event'; readonly event: RunEvent }
  | { readonly kind: 'failure'; readonly message: string; readonly hint: string | undefined };

/** A run as it is shown: one that waits is not, until it has begun. */
export class ShownRun {
  readonly stopping = new CancellationTokenSource();
  ended = false;

  constructor(
    public prompt: string | undefined,
    readonly extras: PromptExtras,
    public waits: boolean,
  ) {}

  /** Takes the prompt that it was changed to while it waited. */
  asking(prompt: string): this {
    this.prompt = prompt;
    return this;
  }
}

/** A prompt, as it was sent. */
export interface Asked {
  readonly prompt: string;
  readonly extras: PromptExtras;
}

/** Returns the steps with one more; words that follow each other in one message are one step. */
export function appended(steps: readonly Step[], step: Step): readonly Step[] {
  const last = steps.at(-1);
  if (last?.kind === 'event' && step.kind === 'event') {
    const [before, now] = [last.event, step.event];
    const words = now.kind === 'text' || now.kind === 'thinking';
    if (words && before.kind === now.kind && before.messageId === now.messageId) {
      const event: RunEvent = { ...now, text: before.text + now.text };
      return [...steps.slice(0, -1), { kind: 'event', event }];
    }
  }
  return [...steps, step];
}

export function firstPrompt(steps: readonly Step[]): string | undefined {
  const first = steps.find((step) => step.kind === 'prompt');
  return first?.prompt.split('\n')[0];
}

/** Returns what was asked last, with what went with it as far as that is known. */
export function lastAsked(messages: readonly Message[], steps: readonly Step[]): Asked | undefined {
  const step = steps.findLast((each) => each.kind === 'prompt');
  const message = messages.findLast(
    ({ role, parentToolCallId }) => role === 'user' && parentToolCallId == null,
  );
  return step ?? (message && { prompt: message.text, extras: {} });
}

/** Whether a run has told anything. */
export function hasHappened(steps: readonly Step[]): boolean {
  return eventsOf(steps).length > 0;
}

/** Whether what happened last is an error, which can be read and tried again. */
export function endedInError(steps: readonly Step[]): boolean {
  const last = steps.at(-1);
  const ended = last?.kind === 'event' && last.event.kind === 'ended' ? last.event.run : undefined;
  return ended?.error != null || last?.kind === 'failure';
}

/**
 * Returns what is shown of a run that has come to nothing.
 *
 * @param stopped Whether the user has stopped it.
 * @param lost Whether the server is gone.
 * @param said Whether anything of the conversation is there to go on with.
 */
export function failureStep(error: unknown, stopped: boolean, lost: boolean, said: boolean): Step {
  const { message, hint } = error as { message: string; hint?: string };
  const saved = said ? 'The conversation so far is saved in the session. Ask again to continue.' : 'Ask again.';
  return {
    kind: 'failure',
    message: stopped ? 'Stopped.' : message,
    hint: lost && hint === undefined ? saved : hint,
  };
}

/** Returns what is shown of a run that has just begun, in a line. */
export function lineOf({ cause, heldBy }: Run): string {
  return cause ?? (heldBy == null ? 'Starting' : `At work in ${heldBy}`);
}

/** Returns a tool call, and what has become of it. */
export function callIn(
  messages: readonly Message[],
  steps: readonly Step[],
  toolCallId: string,
): EditCall | undefined {
  const events = eventsOf(steps);
  const called = events.find((each) => each.kind === 'toolCall' && each.toolCallId === toolCallId);
  if (called?.kind !== 'toolCall') {
    const calls = messages.flatMap((message) => message.toolCalls);
    const call = calls.find((each) => each.toolCallId === toolCallId);
    return call && { ...call, status: call.status ?? 'failed', created: false };
  }
  const since = events.slice(events.indexOf(called));
  const end = since.findIndex((each) => each.kind === 'toolResult' && each.toolCallId === toolCallId);
  const [result, change] = end < 0 ? [] : since.slice(end);
  const stopped = since.some((each) => each.kind === 'ended') ? 'failed' : undefined;
  return {
    ...called,
    status: result?.kind === 'toolResult' ? result.status : stopped,
    created: change?.kind === 'fileChanged' && change.change === 'created',
  };
}

/**
 * Whether all that the agent has said is shown already.
 *
 * @param messages What it has said by now.
 * @param before What was shown at first.
 * @param steps What has happened since.
 */
export function areShown(
  messages: readonly Message[],
  before: readonly Message[],
  steps: readonly Step[],
): boolean {
  const shown = new Set(before.map(({ messageId }) => messageId));
  for (const event of eventsOf(steps)) {
    if (event.kind === 'text' || event.kind === 'thinking') {
      shown.add(event.messageId);
    } else if (event.kind === 'toolCall') {
      shown.add(event.toolCallId);
    }
  }
  return messages.every(
    ({ role, kind, messageId, toolCalls }) =>
      role !== 'assistant' ||
      kind === 'command' || // its output has another id when it is read
      shown.has(messageId) ||
      toolCalls.some((each) => shown.has(each.toolCallId)),
  );
}

function eventsOf(steps: readonly Step[]): readonly RunEvent[] {
  return steps.flatMap((step) => (step.kind === 'event' ? [step.event] : []));
}
