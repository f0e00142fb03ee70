/** A session that was read, as entries that are made when somebody looks at them. */
import type { Message } from '../../shared/protocol';
import { ToolCard } from '../tools/toolCard';
import { Answer } from './answer';
import { promptOf } from './prompt';
import { Thinking } from './thinking';

export interface LaterEntry {
  /** How many lines it will take, roughly. */
  readonly lines: number;
  readonly make: () => HTMLElement;
}

const COLUMNS = 60;

export function entriesOf(messages: readonly Message[]): LaterEntry[] {
  return messages.flatMap((message) => (message.role === 'user' ? asked(message) : said(message)));
}

function asked(message: Message): LaterEntry[] {
  return [{ lines: linesOf(message.text) + 2, make: () => promptOf(message.text, []) }];
}

function said({ thinking, text, toolCalls }: Message): LaterEntry[] {
  const entries: LaterEntry[] = [];
  if (thinking != null && thinking !== '') {
    entries.push({ lines: 1.5, make: () => new Thinking(thinking).element });
  }
  if (text !== '') {
    entries.push({ lines: linesOf(text) + 1, make: () => new Answer(text).element });
  }
  for (const call of toolCalls) {
    entries.push({ lines: 1.5, make: () => ToolCard.read(call).element });
  }
  return entries;
}

function linesOf(text: string): number {
  let lines = text.length / COLUMNS;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    lines += 0.7;
  }
  return lines + 0.5;
}
