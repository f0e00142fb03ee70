import * as assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { statusOf } from '../src/status';
import { activated, answering, command, eventually, folder, freshConversation } from './support';

function here(name: string): string {
  return path.join(folder().uri.fsPath, name);
}

async function exists(name: string): Promise<boolean> {
  return access(here(name)).then(
    () => true,
    () => false,
  );
}

describe('a question', () => {
  it('is shown by the status bar, and denied', async () => {
    await freshConversation();
    const { locations } = await activated();
    const { questions, server, conversations } = locations.services;
    const asked = command('ask', 'make one');
    const question = await eventually(() => questions.all[0]);
    assert.equal(question.options[0]?.value, 'deny');
    assert.equal(statusOf(server, conversations, questions).kind, 'waiting');
    assert.equal(await questions.answer(question.questionId, 'deny'), true);
    await asked;
    assert.equal(await exists('one'), false);
    assert.equal(statusOf(server, conversations, questions).kind, 'idle');
  });

  it('is allowed, once', async () => {
    await freshConversation();
    const { locations } = await activated();
    const asked = command('ask', 'make one');
    const question = await eventually(() => locations.services.questions.all[0]);
    await locations.services.questions.answer(question.questionId, 'allow');
    await asked;
    assert.equal(await exists('one'), true);
  });

  it('is a notification while its conversation is hidden', async () => {
    const { locations } = await activated();
    await freshConversation();
    const asked = command('ask', 'make two');
    await eventually(() => locations.services.conversations.running[0]);
    const shown = await answering('showWarningMessage', () => 'Deny', async (messages) => {
      await vscode.commands.executeCommand('workbench.view.explorer');
      await eventually(() => messages.length > 0);
      await asked;
    });
    const [message, ...buttons] = shown[0] ?? [];
    assert.match(String(message), /touch two/);
    assert.equal(buttons[0], 'Deny');
    assert.equal(buttons.at(-1), 'Show');
    assert.equal(await exists('two'), false);
  });

  it('about an edit opens the diff of it', async () => {
    const { locations } = await activated();
    await freshConversation();
    const asked = command('ask', 'greet the world');
    await eventually(() => locations.services.questions.all[0]);
    await command('answer');
    const tab = await eventually(() => {
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return input instanceof vscode.TabInputTextDiff ? input : undefined;
    });
    assert.equal(tab.original.fsPath, here('hello.py'));
    const after = await vscode.workspace.openTextDocument(tab.modified);
    assert.match(after.getText(), /Hello, world/);
    assert.doesNotMatch(await readFile(here('hello.py'), 'utf8'), /Hello, world/);
    const { questions } = locations.services;
    await questions.answer(questions.all[0]?.questionId ?? '', 'allow');
    await asked;
    await eventually(() =>
      vscode.window.tabGroups.all.every((group) =>
        group.tabs.every((each) => !(each.input instanceof vscode.TabInputTextDiff)),
      ),
    );
    assert.match(await readFile(here('hello.py'), 'utf8'), /Hello, world/);
  });

  it('is withdrawn when its run is stopped', async () => {
    const { locations } = await activated();
    await freshConversation();
    const asked = command('ask', 'make three');
    await eventually(() => locations.services.questions.all[0]);
    await command('stop');
    await asked;
    assert.deepEqual(locations.services.questions.all, []);
    assert.equal(await exists('three'), false);
  });

  it('of the agent itself is answered by what the user chooses', async () => {
    const { locations } = await activated();
    const conversation = await freshConversation();
    const asked = command('ask', 'ask me');
    const question = await eventually(() => locations.services.questions.all[0]);
    assert.equal(question.kind, 'choice');
    const red = question.options.find((option) => option.label.includes('Red'));
    assert.ok(red);
    await locations.services.questions.answer(question.questionId, red.value);
    await asked;
    const result = conversation.steps.find(
      (step) => step.kind === 'event' && step.event.kind === 'toolResult',
    );
    assert.ok(result?.kind === 'event' && result.event.kind === 'toolResult');
    assert.match(result.event.text, /Red/);
  });

  it('about one of two edits of a file opens the diff of that one', async () => {
    const { locations } = await activated();
    const { questions } = locations.services;
    await freshConversation();
    const asked = command('ask', 'edit it twice');
    for (const [shown, other] of [
      [/def first/, /second/],
      [/second/, /def first/],
    ] as const) {
      const question = await eventually(() => questions.all[0]);
      await command('answer');
      const text = await eventually(async () => {
        const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
        const diff = input instanceof vscode.TabInputTextDiff ? input : undefined;
        return diff && (await vscode.workspace.openTextDocument(diff.modified)).getText();
      });
      assert.match(text, shown);
      assert.doesNotMatch(text, other);
      await questions.answer(question.questionId, 'deny');
      await eventually(() =>
        vscode.window.tabGroups.all.every((group) =>
          group.tabs.every((each) => !(each.input instanceof vscode.TabInputTextDiff)),
        ),
      );
    }
    await asked;
  });

  it('about a plan opens it as Markdown, and its approval ends the planning', async () => {
    const { locations } = await activated();
    const conversation = await freshConversation();
    await conversation.choose({ mode: 'plan' });
    const asked = command('ask', 'propose a plan');
    const question = await eventually(() => locations.services.questions.all[0]);
    assert.equal(question.kind, 'plan');
    assert.match(question.document ?? '', /1\. Do it/);
    await command('answer');
    await eventually(() =>
      vscode.window.tabGroups.all.some((group) =>
        group.tabs.some((tab) => tab.label.includes('Plan.md')),
      ),
    );
    await locations.services.questions.answer(question.questionId, 'acceptEdits');
    await asked;
    assert.equal(conversation.choice.mode, 'acceptEdits');
  });
});
