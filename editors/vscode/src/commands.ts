/** The commands of the palette, of menus and of keys, but for those of the tree of sessions. */
import * as vscode from 'vscode';
import { BackgroundTasks } from './background';
import { review, writeCommitMessage } from './code';
import { chooseMcpServer, showUsage } from './control';
import type { ConversationView } from './conversation/conversationView';
import { contextOf } from './context/selection';
import { runDoctor } from './doctor';
import { folderOf, needFolder, openFolder } from './folders';
import { showMenu } from './menu';
import { chooseMode, chooseModel, chooseSession } from './pickers';
import { handleMessage, showQuestion } from './conversation/viewMessages';
import type { AskArgument } from '../shared/code';
import type { Locations } from './locations';
import { mayAsk } from './trust';

const WALKTHROUGH = 'claude-agent-lsp.claude-agent#start';

/** Registers them; the disposable takes them back. */
export function registerCommands(locations: Locations): vscode.Disposable {
  const { services } = locations;
  const register = (name: string, run: (argument: unknown) => unknown): vscode.Disposable =>
    vscode.commands.registerCommand(`claude-agent.${name}`, async (argument: unknown) => {
      try {
        await run(argument);
      } catch (error) {
        services.report(error);
      }
    });
  const tasks = new BackgroundTasks(services);
  const inFolder =
    (work: typeof showUsage): (() => Promise<void>) =>
    async () => {
      const { folder } = (await locations.reveal()).conversation;
      await work(services, folder);
    };
  return vscode.Disposable.from(
    tasks,
    services.server.onDidAct((action) => {
      act(locations, action).catch((error: unknown) => services.report(error));
    }),
    register('tasks', () => tasks.choose()),
    register('mcpServers', inFolder(chooseMcpServer)),
    register('usage', inFolder(showUsage)),
    register('ask', (prompt) => ask(locations, prompt)),
    register('askAboutSelection', (prompt) => askAboutSelection(locations, prompt)),
    register('review', async () => (await mayAsk()) && review(services)),
    register('commitMessage', async () => (await mayAsk()) && writeCommitMessage(services)),
    register('stop', () => stop(locations)),
    register('resume', () => resume(locations)),
    register('newSession', () => newSession(locations)),
    register('openInEditor', () => openInEditor(locations)),
    register('focus', () => locations.reveal()),
    register('answer', (questionId) => answer(locations, questionId)),
    register('chooseModel', async () => chooseModel(await locations.reveal())),
    register('chooseMode', async () => chooseMode(await locations.reveal())),
    register('menu', () => showMenu(locations)),
    register('showOutput', () => services.log.show(true)),
    register('restartServer', () => services.server.restart()),
    register('runDoctor', () => runDoctor(services.server)),
    register('openSettings', () =>
      vscode.commands.executeCommand('workbench.action.openSettings', 'claudeAgent.'),
    ),
    register('openWalkthrough', () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', WALKTHROUGH, false),
    ),
  );
}

/** Asks what it is given, or puts the user into the prompt. */
async function ask(locations: Locations, prompt: unknown): Promise<void> {
  if (!(await mayAsk())) {
    return;
  }
  const view = await locations.reveal();
  await put(view, prompt);
}

async function askAboutSelection(locations: Locations, prompt: unknown): Promise<void> {
  if (!(await mayAsk())) {
    return;
  }
  const editor = vscode.window.activeTextEditor;
  const folder = folderOf(editor?.document.uri);
  const view = await locations.reveal();
  const elsewhere = folder !== undefined && folder.uri.toString() !== folderUri(view);
  if (elsewhere) {
    view.attach(locations.services.conversations.create(folder));
  }
  view.composer.offer(contextOf(editor));
  view.showContext();
  await put(view, prompt);
}

/** Shows where a code action asks, and has it ask there. */
async function act(locations: Locations, action: AskArgument): Promise<void> {
  if (!(await mayAsk())) {
    return;
  }
  const uri = action.context.textDocument?.uri;
  const folder = folderOf(uri === undefined ? undefined : vscode.Uri.parse(uri));
  const view = await locations.reveal();
  const fresh = vscode.workspace.getConfiguration('claudeAgent').get('codeActionSession') === 'new';
  const elsewhere = folder !== undefined && folder.uri.toString() !== folderUri(view);
  if (fresh || elsewhere) {
    view.attach(locations.services.conversations.create(folder ?? view.conversation.folder));
  }
  await view.conversation.act(action);
}

async function put(view: ConversationView, prompt: unknown): Promise<void> {
  if (typeof prompt === 'string' && prompt.trim() !== '') {
    await handleMessage({ type: 'send', prompt, how: 'queue' }, view);
  } else {
    view.focusPrompt();
  }
}

/** Stops the conversation that is shown, else the only one at work, else all that are. */
function stop(locations: Locations): void {
  const shown = locations.current?.conversation;
  if (shown?.running === true) {
    shown.stop();
    return;
  }
  for (const conversation of locations.services.conversations.running) {
    conversation.stop();
  }
}

async function resume(locations: Locations): Promise<void> {
  needFolder();
  const chosen = await chooseSession(locations.services);
  if (chosen !== undefined) {
    const view = await locations.open(chosen.session.sessionId, chosen.folder);
    view.focusPrompt();
  }
}

async function newSession(locations: Locations): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const view = await locations.reveal();
  const folder =
    editor === undefined ? view.conversation.folder : folderOf(editor.document.uri);
  view.attach(locations.services.conversations.create(folder ?? view.conversation.folder));
  view.focusPrompt();
}

/** The conversation of the side bar gets a tab; the side bar a new one. */
async function openInEditor(locations: Locations): Promise<void> {
  const { conversation } = await locations.sideBar.reveal();
  locations.tabs.show(conversation).focusPrompt();
  locations.sideBar.view?.attach(locations.services.conversations.create(conversation.folder));
}

/** Shows the conversation that asks, at its question, with what the question is about. */
async function answer(locations: Locations, questionId: unknown): Promise<void> {
  const { questions, conversations } = locations.services;
  const question = questions.all.find((each) => each.questionId === questionId) ?? questions.all[0];
  if (question === undefined) {
    void vscode.window.showInformationMessage('There is no open question.');
    return;
  }
  const conversation = conversations.find(question.sessionId);
  if (conversation === undefined) {
    return;
  }
  const view = await locations.show(conversation);
  await showQuestion(question.questionId, view);
  view.focusQuestion(question.questionId);
}

function folderUri(view: ConversationView): string | undefined {
  return openFolder(view.conversation.folder.uri.toString())?.uri.toString();
}
