/** A conversation on a webview: what has happened goes to the view, what the user does comes back. */
import * as vscode from 'vscode';
import type { ShownMessage, State, Step as ShownStep, ToHost, ToView } from '../../shared/messages';
import type { Message } from '../../shared/protocol';
import { labelOf } from '../context/selection';
import { changesFile, planOf } from '../diffs';
import { severalFolders } from '../folders';
import type { Conversation } from './conversation';
import type { Step } from './steps';
import { Composer } from './composer';
import type { WindowServices } from '../windowServices';

/** Words within this time go in one message. */
const GATHER_MS = 16;

/** Does what a message of the view asks for. */
export type MessageHandler = (message: ToHost, view: ConversationView) => Promise<void>;

export class ConversationView implements vscode.Disposable {
  /** Of the conversation that is shown. */
  composer = new Composer();
  /** What waits to be sent in others, by their session, or by themselves where they have none. */
  private readonly left = new Map<string | Conversation, Composer>();
  private readonly changed = new vscode.EventEmitter<void>();
  private shown: Conversation;
  private listening: vscode.Disposable | undefined;
  private readonly always: vscode.Disposable;
  private ready = false;
  private gathered: Step[] = [];
  private timer: NodeJS.Timeout | undefined;
  private pending: ToView[] = [];

  /** It shows another conversation, or the title of its own has changed. */
  readonly onDidChange = this.changed.event;

  /**
   * @param webview Its page is the conversation's.
   * @param conversation What it shows first.
   * @param services What the whole window shares.
   * @param handle Is given each message of the view but `ready`; what it throws is shown to the user.
   */
  constructor(
    private readonly webview: vscode.Webview,
    conversation: Conversation,
    readonly services: WindowServices,
    private readonly handle: MessageHandler,
  ) {
    this.shown = conversation;
    services.conversations.show(conversation);
    this.composer.offer(services.context.current);
    this.always = vscode.Disposable.from(
      webview.onDidReceiveMessage((message: ToHost) => this.receive(message)),
      services.context.onDidChange((context) => {
        this.composer.offer(context);
        this.showContext();
      }),
      services.questions.onDidChange(() => this.showQuestions()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.showState()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.showState()),
    );
    this.listen();
  }

  get conversation(): Conversation {
    return this.shown;
  }

  /** Shows another conversation. */
  attach(conversation: Conversation): void {
    if (conversation !== this.shown) {
      const before = this.shown;
      this.shown = conversation;
      this.compose(before);
      this.services.conversations.show(conversation);
      this.listen();
      this.services.conversations.release(before);
      this.showAll();
      this.changed.fire();
    }
  }

  /** The user looks at it again: others may have gone on with its session. */
  renew(): void {
    this.shown.renew().catch((error: unknown) => this.services.log.warn(String(error)));
  }

  /** Puts the cursor into the prompt. */
  focusPrompt(text?: string): void {
    this.post({ type: 'focusPrompt', text });
  }

  focusQuestion(questionId: string): void {
    this.post({ type: 'focusQuestion', questionId });
  }

  showContext(): void {
    this.post({ type: 'context', items: this.composer.items() });
  }

  /** Sends a message, or keeps it until the view listens. */
  post(message: ToView): void {
    if (this.ready) {
      void this.webview.postMessage(message);
    } else if (message.type === 'focusPrompt' || message.type === 'focusQuestion') {
      this.pending.push(message);
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.always.dispose();
    this.changed.dispose();
    this.listening?.dispose();
    this.services.conversations.release(this.shown);
  }

  /** @param before The conversation that was shown: what was attached there is there again with it. */
  private compose(before: Conversation): void {
    if (this.composer.attached) {
      this.left.set(before.sessionId ?? before, this.composer);
    }
    const key = this.shown.sessionId ?? this.shown;
    this.composer = this.left.get(key) ?? new Composer();
    this.left.delete(key);
    this.composer.offer(this.services.context.current);
  }

  private receive(message: ToHost): void {
    if (message.type === 'ready') {
      this.ready = true;
      this.services.files.prepare(this.shown.folder);
      this.showAll();
      for (const kept of this.pending.splice(0)) {
        this.post(kept);
      }
      return;
    }
    this.handle(message, this).catch((error: unknown) => this.services.report(error));
  }

  private listen(): void {
    this.listening?.dispose();
    this.listening = vscode.Disposable.from(
      this.shown.onDidStep((step) => this.gather(step)),
      this.shown.onDidChange(() => this.showState()),
      this.shown.onDidReplace(() => this.showAll()),
    );
  }

  private gather(step: Step): void {
    this.gathered.push(step);
    this.timer ??= setTimeout(() => this.showSteps(), GATHER_MS);
  }

  private showSteps(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const steps = this.gathered.splice(0);
    if (steps.length > 0) {
      this.post({ type: 'steps', steps: steps.map(shownStep) });
    }
  }

  private showState(): void {
    this.showSteps();
    this.post({ type: 'state', state: this.state() });
    this.changed.fire();
  }

  private showQuestions(): void {
    const questions = this.services.questions.of(this.shown.sessionId).map((question) => {
      const call = this.shown.call(question.toolCallId ?? '');
      const hasDiff = call !== undefined && changesFile(call);
      const hasPlan = question.document != null || (call && planOf(call)) !== undefined;
      return { ...question, hasDiff, hasPlan };
    });
    this.post({ type: 'questions', questions });
  }

  private showAll(): void {
    this.gathered = [];
    this.post({
      type: 'conversation',
      messages: this.shown.messages.map(shownMessage),
      steps: this.shown.steps.map(shownStep),
      state: this.state(),
      history: this.services.history.of(this.shown.folder),
    });
    this.showQuestions();
    this.showContext();
  }

  private state(): State {
    const { title, sessionId, folder, running, watch, line, choice, queue } = this.shown;
    return {
      title,
      sessionId,
      folder: severalFolders() ? folder.name : '',
      folderUri: folder.uri.toString(),
      running,
      heldBy: watch.heldBy,
      line,
      queue: queue.prompts.map(({ runId, prompt, state }) => ({ runId, prompt, state })),
      trusted: vscode.workspace.isTrusted,
      ...choice,
    };
  }
}

function shownMessage(message: Message): ShownMessage {
  const { context, attachments } = message;
  const names = (attachments ?? []).map((uri) => labelOf(vscode.Uri.parse(uri), undefined));
  const file = context?.uri === undefined ? [] : [labelOf(vscode.Uri.parse(context.uri), context.range)];
  const labels = [...file, ...names];
  return labels.length > 0 ? { ...message, labels } : message;
}

function shownStep(step: Step): ShownStep {
  if (step.kind !== 'prompt') {
    return step;
  }
  const { context, attachments = [] } = step.extras;
  const names = attachments.map((uri) => labelOf(vscode.Uri.parse(uri), undefined));
  return {
    kind: 'prompt',
    prompt: step.prompt,
    context: context === undefined ? names : [context.label, ...names],
  };
}
