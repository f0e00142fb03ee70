import * as assert from 'node:assert/strict';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Message } from '../shared/protocol';
import { handleMessage } from '../src/conversation/viewMessages';
import { activated, command, eventually, folder, freshConversation, wordsOf } from './support';

/** Asks in a session, as another editor does. */
async function askElsewhere(prompt: string, session: string): Promise<void> {
  const { server } = (await activated()).locations.services;
  await server.query(
    { prompt, session, workspace: folder().uri.toString() },
    { event: () => undefined, line: () => undefined },
    new vscode.CancellationTokenSource().token,
  );
}

function promptsOf(messages: readonly Message[]): readonly string[] {
  return messages.filter(({ role }) => role === 'user').map(({ text }) => text);
}

async function transcriptOf(sessionId: string): Promise<string> {
  const configured = process.env.CLAUDE_CONFIG_DIR ?? path.join(os.homedir(), '.claude');
  const projects = path.join(configured, 'projects');
  for (const project of await readdir(projects)) {
    const files = await readdir(path.join(projects, project));
    if (files.includes(`${sessionId}.jsonl`)) {
      return path.join(projects, project, `${sessionId}.jsonl`);
    }
  }
  throw new Error(`no transcript of ${sessionId}`);
}

describe('a conversation', () => {
  it('streams an answer, knows its session at once and gets a title', async () => {
    const conversation = await freshConversation();
    await command('ask', 'remember the code PINEAPPLE-42');
    assert.match(wordsOf(conversation), /I will remember it\./);
    assert.ok(conversation.sessionId);
    assert.equal(conversation.running, false);
    assert.match(conversation.title, /PINEAPPLE-42/);
    const last = conversation.steps.at(-1);
    assert.ok(last?.kind === 'event' && last.event.kind === 'ended');
    assert.equal(last.event.run.status, 'completed');
  });

  it('goes on in the same session', async () => {
    const conversation = await freshConversation();
    await command('ask', 'remember the code APPLE-7');
    const { sessionId } = conversation;
    await command('ask', 'which code?');
    assert.match(wordsOf(conversation), /APPLE-7/);
    assert.equal(conversation.sessionId, sessionId);
  });

  it('goes on in another session once it was cleared', async () => {
    const conversation = await freshConversation();
    await command('ask', 'remember the code PLUM-5');
    const { sessionId } = conversation;
    await command('ask', '/clear');
    const next = conversation.sessionId;
    assert.ok(next !== undefined && next !== sessionId);
    assert.match(wordsOf(conversation), /PLUM-5|remember it/);
    await command('ask', 'which code?');
    assert.equal(conversation.sessionId, next);
    assert.match(conversation.title, /which code/);
  });

  it('is read again as it was said', async () => {
    const conversation = await freshConversation();
    await command('ask', 'remember the code PEAR-3');
    const { sessionId } = conversation;
    assert.ok(sessionId);
    const { locations } = await activated();
    await command('newSession');
    const view = await locations.open(sessionId, folder());
    assert.deepEqual(
      view.conversation.messages.map(({ role, kind, text }) => [role, kind ?? text]),
      [
        ['user', 'remember the code PEAR-3'],
        ['assistant', 'I will remember it.'],
        ['system', 'outcome'],
      ],
    );
  });

  it('stops in mid-answer, and goes on', async () => {
    const conversation = await freshConversation();
    const asked = command('ask', 'count slowly');
    await eventually(() => wordsOf(conversation).includes('word3'));
    await eventually(async () => {
      const running = await vscode.commands.executeCommand('claude-agent.stop');
      return running === undefined && !conversation.running;
    });
    await asked;
    const ended = conversation.steps.findLast(
      (step) => step.kind === 'event' && step.event.kind === 'ended',
    );
    assert.ok(ended?.kind === 'event' && ended.event.kind === 'ended');
    assert.equal(ended.event.run.status, 'cancelled');
    await command('ask', 'which code?');
    assert.equal(conversation.sessionId, ended.event.run.sessionId);
  });

  it('shows what the agent does by itself, with its cause, and stops it', async () => {
    const conversation = await freshConversation();
    await command('ask', 'leave it behind');
    assert.equal(conversation.running, false);
    await writeFile(path.join(folder().uri.fsPath, 'go'), '');
    await eventually(() => conversation.running);
    assert.equal(conversation.line, '`until test -e go; do sleep 0.05; done` has ended.');
    await eventually(() => wordsOf(conversation).includes('word9 '));
    conversation.stop();
    await eventually(() => !conversation.running);
    const last = conversation.steps.at(-1);
    assert.ok(last?.kind === 'event' && last.event.kind === 'ended');
    assert.equal(last.event.run.status, 'cancelled');
    await command('ask', 'go on');
  });

  it('goes on unseen while another is shown, and is found again', async () => {
    const conversation = await freshConversation();
    const asked = command('ask', 'count slowly');
    await eventually(() => wordsOf(conversation).includes('word1'));
    await command('newSession');
    const { locations } = await activated();
    assert.notEqual(locations.current?.conversation, conversation);
    assert.equal(conversation.running, true);
    assert.ok(conversation.sessionId);
    const view = await locations.open(conversation.sessionId, folder());
    assert.equal(view.conversation, conversation);
    await command('stop');
    await asked;
  });

  it('that two places show lives until both have let it go', async () => {
    const conversation = await freshConversation();
    await command('ask', 'in two places');
    const { locations } = await activated();
    const { conversations } = locations.services;
    const { sessionId } = conversation;
    assert.ok(sessionId);
    locations.tabs.show(conversation);
    await eventually(() => locations.tabs.views.length === 1);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await eventually(() => locations.tabs.views.length === 0);
    assert.equal(conversations.find(sessionId), conversation);
    const asked = command('ask', 'count slowly');
    await eventually(() => conversations.running.includes(conversation));
    await command('stop');
    await asked;
    await command('newSession');
    assert.equal(conversations.find(sessionId), undefined);
  });

  it('is one, however often it is opened at the same time', async () => {
    const conversation = await freshConversation();
    await command('ask', 'to be opened twice');
    const { sessionId } = conversation;
    assert.ok(sessionId);
    await command('newSession');
    const { conversations } = (await activated()).locations.services;
    const open = async (): Promise<unknown> => conversations.open(sessionId, folder());
    const [one, other] = await Promise.all([open(), open()]);
    assert.equal(one, other);
  });

  it('stays as it is, but for its messages, until others have said something', async () => {
    const conversation = await freshConversation();
    await command('ask', 'hello from here');
    const { steps, sessionId } = conversation;
    assert.ok(sessionId);
    // As a CLI does it that ends, or is told of a title.
    const later = new Date(Date.now() + 60_000);
    await utimes(await transcriptOf(sessionId), later, later);
    await conversation.renew();
    assert.equal(conversation.steps, steps);
    await askElsewhere('hello from elsewhere', sessionId);
    await conversation.renew();
    assert.deepEqual(promptsOf(conversation.messages), ['hello from here', 'hello from elsewhere']);
    assert.deepEqual(conversation.steps, []);
  });

  it('shows what was said elsewhere also when it was asked before it was looked at again', async () => {
    const conversation = await freshConversation();
    await command('ask', 'hello from here');
    const { sessionId } = conversation;
    assert.ok(sessionId);
    await askElsewhere('hello from elsewhere', sessionId);
    await command('ask', 'hello again');
    assert.deepEqual(promptsOf(conversation.messages), [
      'hello from here',
      'hello from elsewhere',
      'hello again',
    ]);
  });

  it('is asked all the same where it can not be read afterwards', async () => {
    const { server } = (await activated()).locations.services;
    const conversation = await freshConversation();
    const execute = server.execute.bind(server);
    server.execute = async (name, argument, token) => {
      if (name === 'claudeAgent.session.read' && !('limit' in argument && argument.limit === 0)) {
        throw new Error('it is gone');
      }
      return execute(name, argument, token);
    };
    try {
      await conversation.ask('hello');
    } finally {
      server.execute = execute;
    }
    assert.match(wordsOf(conversation), /OK/);
  });

  it('has all that was shown of it, errors and answers of commands too, once it has gone on', async () => {
    const conversation = await freshConversation();
    const replaced: string[] = [];
    const listening = conversation.onDidReplace(() => replaced.push('replaced'));
    await command('ask', 'hello');
    await command('ask', 'break down');
    await command('ask', '/context');
    const { attachments } = { attachments: ['file:///nowhere/at-all.png'] };
    await conversation.ask('refuse this', { attachments });
    const before = conversation.steps;
    await command('ask', 'hello again');
    listening.dispose();
    assert.deepEqual(replaced, []);
    assert.deepEqual(conversation.steps.slice(0, before.length), before);
    const failed = conversation.steps.filter(
      (step) => step.kind === 'event' && step.event.kind === 'ended' && step.event.run.error != null,
    );
    assert.equal(failed.length + conversation.steps.filter(({ kind }) => kind === 'failure').length, 2);
    assert.match(wordsOf(conversation), /Context Usage/);
  });

  it('tells the run of a mode that was chosen before it had begun', async () => {
    const conversation = await freshConversation();
    const asked = conversation.ask('hello');
    await conversation.choose({ mode: 'plan' });
    await asked;
    const modes = conversation.steps.flatMap((step) =>
      step.kind === 'event' && step.event.kind === 'mode' ? [step.event.permissionMode] : [],
    );
    assert.deepEqual(modes, ['plan']);
  });

  it('has the mode that it had if another is refused', async () => {
    const conversation = await freshConversation();
    await command('ask', 'hello');
    await assert.rejects(conversation.choose({ mode: 'no mode at all' }));
    assert.equal(conversation.choice.mode, 'default');
  });

  it('keeps how its prompts are run, but for a mode that asks nothing', async () => {
    const { locations } = await activated();
    for (const [mode, kept] of [
      ['plan', 'plan'],
      ['bypassPermissions', 'default'],
    ] as const) {
      const conversation = await freshConversation();
      await command('ask', 'hello');
      await conversation.choose({ mode, effort: 'low' });
      const { sessionId } = conversation;
      assert.ok(sessionId);
      await command('newSession');
      const again = await locations.services.conversations.open(sessionId, folder());
      assert.notEqual(again, conversation);
      assert.equal(again.choice.mode, kept);
    }
  });

  it('that has failed is tried again with all that went with it', async () => {
    const conversation = await freshConversation();
    const { locations } = await activated();
    const extras = { attachments: [vscode.Uri.joinPath(folder().uri, 'hello.py').toString()] };
    await conversation.ask('look at the file', extras);
    const view = locations.sideBar.view;
    assert.ok(view);
    await handleMessage({ type: 'again' }, view);
    const prompts = conversation.steps.filter((step) => step.kind === 'prompt');
    assert.deepEqual(
      prompts.map(({ prompt, extras: { attachments } }) => ({ prompt, attachments })),
      [1, 2].map(() => ({ prompt: 'look at the file', ...extras })),
    );
  });
});
