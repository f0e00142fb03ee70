import * as assert from 'node:assert/strict';
import type { Message, RunEvent } from '../shared/protocol';
import { type Step, areShown, callIn, lastAsked, failureStep } from '../src/conversation/steps';

const write = (id: string): RunEvent => ({
  kind: 'toolCall',
  toolCallId: id,
  tool: 'Write',
  title: 'Writing a.txt',
  input: { file_path: '/p/a.txt', content: id },
  locations: [{ uri: 'file:///p/a.txt' }],
});
const done = (id: string): RunEvent => ({
  kind: 'toolResult',
  toolCallId: id,
  status: 'completed',
  text: '',
});
const changed = (change: 'created' | 'edited'): RunEvent => ({
  kind: 'fileChanged',
  uri: 'file:///p/a.txt',
  change,
});
const steps = (...events: readonly RunEvent[]): readonly Step[] =>
  events.map((event) => ({ kind: 'event', event }));
const message = (messageId: string, role: 'user' | 'assistant' = 'assistant'): Message => ({
  messageId,
  role,
  text: 'x',
  toolCalls: [],
  timestamp: '',
});

describe('a tool call', () => {
  const happened = steps(write('one'), done('one'), changed('created'), write('two'), done('two'), changed('edited'));

  it('has made the file, or has found it there', () => {
    assert.equal(callIn([], happened, 'one')?.created, true);
    assert.equal(callIn([], happened, 'two')?.created, false);
    assert.equal(callIn([], happened, 'three'), undefined);
  });

  it('waits until its result, or the end of its run', () => {
    assert.equal(callIn([], steps(write('one')), 'one')?.status, undefined);
    assert.equal(callIn([], happened, 'one')?.status, 'completed');
    const ended = { kind: 'ended', run: {} } as RunEvent;
    assert.equal(callIn([], steps(write('one'), ended), 'one')?.status, 'failed');
  });
});

describe('what is told of a run that came to nothing', () => {
  it('says that the conversation is saved only where there is one', () => {
    const told = (said: boolean): unknown => failureStep(new Error('The server has ended.'), false, true, said);
    assert.match(JSON.stringify(told(true)), /saved in the session\. Ask again to continue\./);
    assert.deepEqual(told(false), { kind: 'failure', message: 'The server has ended.', hint: 'Ask again.' });
  });
});

describe('what was asked last', () => {
  it('is no prompt that the agent gave a subagent', () => {
    const nested = { ...message('n', 'user'), text: 'look', parentToolCallId: 'call' };
    assert.equal(lastAsked([message('u', 'user'), message('a'), nested], [])?.prompt, 'x');
  });
});

describe('what an agent has said', () => {
  it('is shown if it was read, or came with an event', () => {
    const said = [message('a'), message('u', 'user'), message('b')];
    const words: RunEvent = { kind: 'text', messageId: 'b', text: 'x' };
    assert.equal(areShown(said, [message('a')], steps(words)), true);
    assert.equal(areShown(said, [message('a')], []), false);
    const call = { toolCallId: 'one', tool: 'Write', input: {} };
    assert.equal(areShown([{ ...message('c'), toolCalls: [call] }], [], steps(write('one'))), true);
  });
});
