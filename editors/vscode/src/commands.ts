/** The commands of the palette, of menus and of keys, but for those of the tree of sessions. */
import * as vscode from 'vscode';
import type { Surface } from './conversation/surface';
import { contextOf } from './context/selection';
import { runDoctor } from './doctor';
import { folderOf, openFolder } from './folders';
import { showMenu } from './menu';
import { chooseMode, chooseModel, chooseSession } from './pickers';
import { showQuestion } from './conversation/receive';
import type { Installation } from './server/environment';
import type { Stage } from './stage';
import { mayAsk } from './trust';

const WALKTHROUGH = 'claude-agent-lsp.claude-agent#start';

/** Registers them; the disposable takes them back. */
export function registerCommands(stage: Stage, installation: Installation): vscode.Disposable {
  const { desk } = stage;
  const register = (name: string, run: (argument: unknown) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`claude-agent.${name}`, async (argument: unknown) => {
      try {
        await run(argument);
      } catch (error) {
        desk.report(error);
      }
    });
  return vscode.Disposable.from(
    register('ask', (prompt) => ask(stage, prompt)),
    register('askAboutSelection', (prompt) => askAboutSelection(stage, prompt)),
    register('stop', () => stop(stage)),
    register('resume', () => resume(stage)),
    register('newSession', () => newSession(stage)),
    register('openInEditor', () => openInEditor(stage)),
    register('focus', () => stage.reveal()),
    register('answer', (questionId) => answer(stage, questionId)),
    register('chooseModel', async () => chooseModel(await stage.reveal())),
    register('chooseMode', async () => chooseMode(await stage.reveal())),
    register('menu', () => showMenu(stage)),
    register('showOutput', () => desk.log.show(true)),
    register('restartServer', () => desk.server.restart()),
    register('runDoctor', () => runDoctor(installation)),
    register('openSettings', () =>
      vscode.commands.executeCommand('workbench.action.openSettings', 'claudeAgent.'),
    ),
    register('openWalkthrough', () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', WALKTHROUGH, false),
    ),
  );
}

/** Asks what it is given, or puts the user into the prompt. */
async function ask(stage: Stage, prompt: unknown): Promise<void> {
  if (!(await mayAsk())) {
    return;
  }
  const surface = await stage.reveal();
  await put(surface, prompt);
}

async function askAboutSelection(stage: Stage, prompt: unknown): Promise<void> {
  if (!(await mayAsk())) {
    return;
  }
  const editor = vscode.window.activeTextEditor;
  const folder = folderOf(editor?.document.uri);
  const surface = await stage.reveal();
  const elsewhere = folder !== undefined && folder.uri.toString() !== folderUri(surface);
  if (elsewhere) {
    surface.attach(stage.desk.conversations.create(folder));
  }
  surface.composer.offer(contextOf(editor));
  surface.showContext();
  await put(surface, prompt);
}

async function put(surface: Surface, prompt: unknown): Promise<void> {
  if (typeof prompt === 'string' && prompt.trim() !== '') {
    await surface.send(prompt);
  } else {
    surface.focusPrompt();
  }
}

/** Stops the conversation that is shown, else the only one at work, else all that are. */
function stop(stage: Stage): void {
  const shown = stage.current?.conversation;
  if (shown?.running === true) {
    shown.stop();
    return;
  }
  for (const conversation of stage.desk.conversations.running) {
    conversation.stop();
  }
}

async function resume(stage: Stage): Promise<void> {
  const chosen = await chooseSession(stage.desk);
  if (chosen !== undefined) {
    const surface = await stage.open(chosen.session.sessionId, chosen.folder);
    surface.focusPrompt();
  }
}

async function newSession(stage: Stage): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const surface = await stage.reveal();
  const folder =
    editor === undefined ? surface.conversation.folder : folderOf(editor.document.uri);
  surface.attach(stage.desk.conversations.create(folder ?? surface.conversation.folder));
  surface.focusPrompt();
}

/** The conversation of the side bar gets a tab; the side bar a new one. */
async function openInEditor(stage: Stage): Promise<void> {
  const { conversation } = await stage.sideBar.reveal();
  stage.tabs.show(conversation).focusPrompt();
  stage.sideBar.surface?.attach(stage.desk.conversations.create(conversation.folder));
}

/** Shows the conversation that asks, at its question, with what the question is about. */
async function answer(stage: Stage, questionId: unknown): Promise<void> {
  const { questions, conversations } = stage.desk;
  const question = questions.all.find((each) => each.questionId === questionId) ?? questions.all[0];
  if (question === undefined) {
    void vscode.window.showInformationMessage('There is no open question.');
    return;
  }
  const conversation = conversations.find(question.sessionId);
  if (conversation === undefined) {
    return;
  }
  const surface = await stage.show(conversation);
  await showQuestion(question.questionId, surface);
  surface.focusQuestion(question.questionId);
}

function folderUri(surface: Surface): string | undefined {
  return openFolder(surface.conversation.folder.uri.toString())?.uri.toString();
}
