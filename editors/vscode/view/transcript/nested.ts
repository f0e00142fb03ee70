/** What a subagent says: a line below its call, which unfolds to all of it. */
import type { Message } from '../../shared/protocol';
import { ToolCard } from '../tools/toolCard';
import { oneLine } from '../visible';
import { Thinking } from './thinking';

const LINE_LENGTH = 200;

/** The messages of subagents, by the calls that have begun these. */
export type NestedMessages = Map<string, readonly Message[]>;

/** Shows words of a subagent, which come a message at a time. */
export function nestedWords(kind: 'text' | 'thinking', words: string): HTMLElement {
  const name = kind === 'thinking' ? 'Thought' : oneLine(words, LINE_LENGTH);
  const entry = new Thinking(words, name).element;
  entry.classList.add('nested-words');
  return entry;
}

/** Tells the messages of subagents from those of the session; one whose call is not there is its own. */
export function partedMessages(messages: readonly Message[]): [readonly Message[], NestedMessages] {
  const calls = new Set(messages.flatMap((each) => each.toolCalls.map((call) => call.toolCallId)));
  const own: Message[] = [];
  const nested = new Map<string, Message[]>();
  for (const message of messages) {
    const { parentToolCallId: parent } = message;
    if (parent == null || !calls.has(parent)) {
      own.push(message);
    } else if (nested.get(parent)?.push(message) === undefined) {
      nested.set(parent, [message]);
    }
  }
  return [own, nested];
}

/** Shows all that a subagent has said and done for a call; it is taken out, to be shown once. */
export function takeNested(toolCallId: string, nested: NestedMessages): HTMLElement[] {
  const messages = nested.get(toolCallId) ?? [];
  nested.delete(toolCallId);
  return messages.flatMap((message) => messageEntries(message, nested));
}

/** Shows a message of a subagent; what it was asked stands in its call. */
export function messageEntries(message: Message, nested: NestedMessages): HTMLElement[] {
  const { role, thinking, text, toolCalls } = message;
  const entries: HTMLElement[] = [];
  if (role === 'user') {
    return entries;
  }
  if (thinking != null && thinking !== '') {
    entries.push(nestedWords('thinking', thinking));
  }
  if (text !== '') {
    entries.push(nestedWords('text', text));
  }
  for (const call of toolCalls) {
    entries.push(ToolCard.read(call, takeNested(call.toolCallId, nested)).element);
  }
  return entries;
}
