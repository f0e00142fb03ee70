/** A session that was read, as entries that are made when somebody looks at them. */
import type { ShownMessage as Message } from '../../shared/messages';
import type { Level } from '../../shared/protocol';
import { ToolCard } from '../tools/toolCard';
import { Answer } from './answer';
import { type NestedMessages, messageEntries, partedMessages, takeNested } from './nested';
import { compactionOf, noticeOf } from './notice';
import { outcomeOf, saysAgain } from './outcome';
import { promptOf } from './prompt';
import { Thinking } from './thinking';

export interface LaterEntry {
  /** How many lines it will take, roughly. */
  readonly lines: number;
  readonly make: () => HTMLElement;
}

const COLUMNS = 60;

export function entriesOf(messages: readonly Message[]): LaterEntry[] {
  const [own, nested] = partedMessages(messages);
  return own.flatMap((message, index) => {
    if (message.parentToolCallId != null) {
      return messageEntries(message, nested).map((entry) => ({ lines: 1.5, make: () => entry }));
    }
    switch (message.kind) {
      case 'compaction':
        return compacted(message);
      case 'gap':
        return notice('warning', message.text);
      case 'woken':
        return notice('info', message.text);
      case 'interrupted':
        return notice('info', 'Stopped');
      case 'notice': {
        const end = own[index + 1]?.run;
        return end != null && saysAgain(end, message.text) ? [] : notice(message.level ?? 'info', message.text);
      }
      case 'retracted':
        return [{ lines: linesOf(message.text) + 1, make: () => Answer.retracted(message.text).element }];
      case 'outcome':
        return ended(message);
      default:
        return message.role === 'user' ? asked(message) : said(message, nested);
    }
  });
}

function notice(level: Level, text: string): LaterEntry[] {
  return [{ lines: linesOf(text), make: () => noticeOf(level, text) }];
}

function compacted({ text, tokensBefore, tokensAfter }: Message): LaterEntry[] {
  const told = tokensBefore == null ? [] : notice('info', compactionOf(tokensBefore, tokensAfter));
  const left = () => new Thinking(text, 'Compacted: what Claude was left with').element;
  return [...told, { lines: 1.5, make: left }];
}

function ended({ run, text }: Message): LaterEntry[] {
  return run == null ? notice('info', text) : [{ lines: 2 + run.filesChanged.length, make: () => outcomeOf(run) }];
}

function asked(message: Message): LaterEntry[] {
  return [{ lines: linesOf(message.text) + 2, make: () => promptOf(message.text, message.labels ?? []) }];
}

function said({ thinking, text, toolCalls }: Message, nested: NestedMessages): LaterEntry[] {
  const entries: LaterEntry[] = [];
  if (thinking != null && thinking !== '') {
    entries.push({ lines: 1.5, make: () => new Thinking(thinking).element });
  }
  if (text !== '') {
    entries.push({ lines: linesOf(text) + 1, make: () => new Answer(text).element });
  }
  for (const call of toolCalls) {
    entries.push({
      lines: 1.5,
      make: () => ToolCard.read(call, takeNested(call.toolCallId, nested)).element,
    });
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
