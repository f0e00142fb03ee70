/** What the user does in a conversation's view. */
import * as vscode from 'vscode';
import type { SendHow, ToHost } from '../../shared/messages';
import { EFFORTS } from '../../shared/vocabulary';
import { dropped } from '../context/dropped';
import { keepImage } from '../context/images';
import { changesFile, closeDiff, openDiff, openPlan, planOf } from '../diffs';
import type { Questions } from '../questions';
import { plain } from '../plainText';
import { mayAsk, mayChoose } from '../trust';
import { insertAtCursor } from './insertion';
import { openFile, openLink } from './links';
import { lastAsked } from './steps';
import type { ConversationView } from './conversationView';

const TAKE_OVER = 'Take Over';

/**
 * Does what a message of the view asks for.
 *
 * @throws Error What goes wrong; the caller tells the user.
 */
export async function handleMessage(message: ToHost, view: ConversationView): Promise<void> {
  const { conversation, composer, services } = view;
  switch (message.type) {
    case 'ready':
      return;
    case 'send':
      return send(message.prompt, message.how, view);
    case 'queueEdit':
      return conversation.queue.edit(message.runId, message.prompt);
    case 'queueRemove':
      return conversation.queue.remove(message.runId);
    case 'queueSend':
      return conversation.queue.send(message.runId);
    case 'again':
      return again(view);
    case 'stop':
      conversation.stop();
      return;
    case 'takeOver':
      return conversation.watch.takeOver();
    case 'newSession':
      view.attach(services.conversations.create(conversation.folder));
      return;
    case 'resume':
      await vscode.commands.executeCommand('claude-agent.resume');
      return;
    case 'answer':
      await services.questions.answer(message.questionId, message.answer, message.note);
      return;
    case 'showQuestion':
      return showQuestion(message.questionId, view);
    case 'openDiff': {
      const call = conversation.call(message.toolCallId);
      await (call && openDiff(call, services.documents));
      return;
    }
    case 'openLink':
      return openLink(message.href, conversation.folder.uri);
    case 'openFile':
      return openFile(vscode.Uri.parse(message.uri), message.line);
    case 'copy':
      await vscode.env.clipboard.writeText(message.text);
      return;
    case 'insert':
      return insertAtCursor(message.text, services.context.editor);
    case 'removeContext':
      composer.remove(message.id);
      view.showContext();
      return;
    case 'attach':
      attachDropped(message.uris, view);
      return;
    case 'attachDialog':
      return attachDialog(view);
    case 'attachImage':
      composer.attach([await keepImage(message, services.server.installation.storage)]);
      view.showContext();
      return;
    case 'completeFiles': {
      const found = services.files.find(message.query, conversation.folder);
      const files = await found.catch(() => []); // the view waits for an answer
      view.post({ type: 'files', query: message.query, files });
      return;
    }
    case 'wantCapabilities':
      return tellCapabilities(view);
    case 'choose':
      if (message.mode !== undefined && !(await mayChoose(message.mode, conversation))) {
        return;
      }
      return conversation.choose({
        ...(message.model !== undefined && { model: message.model ?? undefined }),
        ...(message.effort !== undefined && { effort: message.effort ?? undefined }),
        ...(message.mode !== undefined && { mode: message.mode }),
      });
    case 'manageTrust':
      await vscode.commands.executeCommand('workbench.trust.manage');
      return;
    case 'log':
      services.log.info(`view: ${message.text}`);
  }
}

/** Shows what a question is about: the diff of an edit, a plan as Markdown. */
export async function showQuestion(questionId: string, view: ConversationView): Promise<void> {
  const { conversation, services } = view;
  const question = services.questions.all.find((each) => each.questionId === questionId);
  const call = question && conversation.call(question.toolCallId ?? '');
  const plan = question?.document ?? (call && planOf(call));
  if (plan !== undefined) {
    await openPlan(plan, services.documents);
  } else if (call !== undefined && changesFile(call)) {
    closeWhenSettled(questionId, await openDiff(call, services.documents), services.questions);
  }
}

/** What an edit would change is of no use once it is decided, as it may be while the diff opens. */
function closeWhenSettled(questionId: string, diff: vscode.Uri, questions: Questions): void {
  const closeIfSettled = (): boolean => {
    const settled = !questions.all.some((each) => each.questionId === questionId);
    if (settled) {
      closeDiff(diff).catch(() => undefined); // the user was faster
    }
    return settled;
  };
  if (closeIfSettled()) {
    return;
  }
  const listening = questions.onDidChange(() => {
    if (closeIfSettled()) {
      listening.dispose();
    }
  });
}

async function send(prompt: string, how: SendHow, view: ConversationView): Promise<void> {
  const { conversation, composer, services } = view;
  if (prompt.trim() === '' || !(await mayAsk())) {
    return;
  }
  const { heldBy } = conversation.watch;
  if (heldBy !== undefined) {
    view.focusPrompt(prompt); // it is sent from there, once the session is here
    const told = `This session is at work in ${plain(heldBy)}.`;
    const chosen = await vscode.window.showInformationMessage(told, TAKE_OVER);
    return chosen === TAKE_OVER ? conversation.watch.takeOver() : undefined;
  }
  const { folder, sessionId } = conversation;
  services.history.add(folder, prompt, sessionId);
  const listening = conversation.onDidStep((step) => {
    if (step.kind === 'event' && step.event.kind === 'started') {
      services.history.add(folder, prompt, step.event.run.sessionId);
    }
  });
  const extras = composer.take();
  view.showContext();
  try {
    await conversation.ask(prompt, extras, how);
  } finally {
    listening.dispose();
  }
}

/** Does once more what has failed: reads the session, or asks the same of the agent. */
async function again({ conversation }: ConversationView): Promise<void> {
  if (conversation.unread) {
    await conversation.open(conversation.sessionId ?? '');
    return;
  }
  const asked = lastAsked(conversation.messages, conversation.steps);
  if (asked !== undefined && (await mayAsk())) {
    await conversation.ask(asked.prompt, asked.extras);
  }
}

function attachDropped(uris: readonly string[], view: ConversationView): void {
  const { files, others } = dropped(uris, vscode.env.remoteName);
  view.composer.attach(files);
  view.showContext();
  if (others.length > 0) {
    throw new Error(`Only files on the agent's machine can be attached. Not attached: ${others.join(', ')}.`);
  }
}

async function attachDialog(view: ConversationView): Promise<void> {
  const chosen = await vscode.window.showOpenDialog({
    title: 'Attach Files',
    openLabel: 'Attach',
    canSelectMany: true,
    defaultUri: view.conversation.folder.uri,
  });
  view.composer.attach((chosen ?? []).map((uri) => uri.toString()));
  view.showContext();
}

async function tellCapabilities(view: ConversationView): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    return; // a process of the CLI runs what the folder says
  }
  const told = await view.services.capabilities.of(view.conversation.folder);
  view.post({
    type: 'capabilities',
    models: told.models,
    efforts: EFFORTS,
    modes: told.modes,
    commands: told.slashCommands,
  });
}
