/** One conversation: a session of the server, or one that begins with the next prompt. */
import * as vscode from 'vscode';
import type { Message, QueryArgument, Question, RunEvent, Session } from '../../shared/protocol';
import { type OfferedContext, asQueryContext } from '../context/selection';
import type { EditCall } from '../diffs';
import type { Server } from '../server/server';
import { configuredMode } from '../settings';
import type { Choice, Choices } from './choices';

const PAGE = 1000;

/** What a prompt is given beside its words. */
export interface Given {
  readonly context?: OfferedContext | undefined;
  readonly attachments?: readonly string[];
}

/** What has happened in a conversation since its messages were read. */
export type Step =
  | { readonly kind: 'prompt'; readonly prompt: string; readonly given: Given }
  | { readonly kind: 'event'; readonly event: RunEvent }
  | { readonly kind: 'failure'; readonly message: string; readonly hint: string | undefined };

export class Conversation {
  private readonly stepped = new vscode.EventEmitter<Step>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly replaced = new vscode.EventEmitter<void>();
  private stopping: vscode.CancellationTokenSource | undefined;
  private doing = '';
  private known: Session | undefined;
  private id: string | undefined;
  /** When the session was last written to, as far as it is shown here. */
  private shownUntil: string | undefined;
  private chosen: Choice;

  /** The messages of the session as they were read. */
  messages: readonly Message[] = [];
  /** What came since. */
  steps: readonly Step[] = [];

  readonly onDidStep = this.stepped.event;
  /** Its title, its choice, or what it does has changed. */
  readonly onDidChange = this.changed.event;
  /** Its messages are others now. */
  readonly onDidReplace = this.replaced.event;

  /**
   * @param folder Where its agent works.
   * @param choices What was chosen for sessions before.
   */
  constructor(
    private readonly server: Server,
    readonly folder: vscode.WorkspaceFolder,
    private readonly choices: Choices,
  ) {
    this.chosen = { model: undefined, effort: undefined, mode: configuredMode() };
  }

  get sessionId(): string | undefined {
    return this.id;
  }

  get session(): Session | undefined {
    return this.known;
  }

  /** Its title; "New Session" where nothing has been said. */
  get title(): string {
    return this.known?.title ?? firstPrompt(this.steps) ?? 'New Session';
  }

  get running(): boolean {
    return this.stopping !== undefined;
  }

  /** Whether it has a session that could not be read yet. */
  get unread(): boolean {
    return this.id !== undefined && this.shownUntil === undefined;
  }

  /** What its run does, in a short line; empty if it does nothing. */
  get line(): string {
    return this.doing;
  }

  get choice(): Choice {
    return this.chosen;
  }

  /**
   * Shows a session of the server.
   *
   * @throws RequestFailure There is no such session.
   */
  async open(sessionId: string): Promise<void> {
    const { steps } = this;
    const messages: Message[] = [];
    let session: Session | undefined;
    let cursor: string | undefined;
    do {
      const page = await this.server.execute('claudeAgent.session.read', {
        sessionId,
        limit: PAGE,
        ...(cursor !== undefined && { cursor }),
      });
      messages.push(...page.messages);
      session = page.session;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    if (this.running || this.steps !== steps) {
      return; // what is said here by now is newer
    }
    this.id = sessionId;
    this.known = session;
    this.shownUntil = session.lastModified;
    this.chosen = this.choices.of(sessionId) ?? this.chosen;
    this.messages = messages;
    this.steps = [];
    this.replaced.fire();
    this.changed.fire();
  }

  /**
   * Stands for a session that can't be read now: it is as soon as there is a server, or once it has
   * gone on here.
   *
   * @param error Why it can't.
   */
  await(sessionId: string, error: unknown): void {
    this.id = sessionId;
    this.fail(error, false);
    const coming = this.server.onDidChangeState((state) => {
      if (state === 'running') {
        coming.dispose();
        this.renew().catch(() => undefined); // the server's own failure is told by it
      }
    });
  }

  /**
   * Reads the session again if it was written to by others: in a terminal, or another editor. What
   * went wrong here stays to be read, until something is asked.
   */
  async renew(): Promise<void> {
    const failed = this.steps.at(-1)?.kind === 'failure' && !this.unread;
    const session = this.running || failed ? undefined : await this.look();
    if (session !== undefined && session.lastModified !== this.shownUntil) {
      await this.open(session.sessionId);
    }
  }

  /** Chooses how the next prompts are run; a mode holds for a run that is going on, too. */
  async choose(choice: Partial<Choice>): Promise<void> {
    this.chosen = { ...this.chosen, ...choice };
    this.keepChoice();
    this.changed.fire();
    if (choice.mode !== undefined && this.id !== undefined) {
      await this.server.execute('claudeAgent.mode', {
        sessionId: this.id,
        permissionMode: choice.mode,
      });
    }
  }

  /**
   * Asks, and resolves when the run has ended. What goes wrong is told in the conversation.
   *
   * @param prompt Not blank.
   */
  async ask(prompt: string, given: Given = {}): Promise<void> {
    if (this.stopping !== undefined) {
      return;
    }
    const { unread } = this;
    this.stopping = new vscode.CancellationTokenSource();
    const { token } = this.stopping;
    this.step({ kind: 'prompt', prompt, given });
    this.report('Starting');
    try {
      await this.server.query(
        this.argument(prompt, given),
        {
          event: (event) => this.take(event),
          line: (line) => this.report(line),
        },
        token,
      );
    } catch (error) {
      this.fail(error, token.isCancellationRequested);
    } finally {
      this.stopping.dispose();
      this.stopping = undefined;
      this.report('');
    }
    if (unread) {
      await this.renew();
    } else {
      this.shownUntil = (await this.look())?.lastModified ?? this.shownUntil;
    }
  }

  /** Stops the run. */
  stop(): void {
    if (this.stopping !== undefined) {
      this.report('Stopping');
      this.stopping.cancel();
    }
  }

  /** Returns what was asked last, with what it was given as far as that is known. */
  lastAsked(): { readonly prompt: string; readonly given: Given } | undefined {
    const step = this.steps.findLast((each) => each.kind === 'prompt');
    const message = this.messages.findLast(({ role }) => role === 'user');
    return step ?? (message && { prompt: message.text, given: {} });
  }

  /** Returns a tool call of this conversation, and what has become of it. */
  call(toolCallId: string): EditCall | undefined {
    const events = this.steps.flatMap((step) => (step.kind === 'event' ? [step.event] : []));
    const called = events.find((each) => each.kind === 'toolCall' && each.toolCallId === toolCallId);
    if (called?.kind === 'toolCall') {
      const result = events.find((each) => each.kind === 'toolResult' && each.toolCallId === toolCallId);
      const status = result?.kind === 'toolResult' ? result.status : undefined;
      const uri = called.locations[0]?.uri;
      const created = events.some(
        (each) => each.kind === 'fileChanged' && each.change === 'created' && each.uri === uri,
      );
      return { ...called, status, created };
    }
    const calls = this.messages.flatMap((message) => message.toolCalls);
    const call = calls.find((each) => each.toolCallId === toolCallId);
    return call && { ...call, status: call.status ?? 'failed', created: false };
  }

  /** Returns the tool call that a question is about, if it is known. */
  asked({ toolCallId }: Question): EditCall | undefined {
    return this.call(toolCallId ?? '');
  }

  /** Looks anew at what the server knows of the session: its title, its tag, as the user set them. */
  async refresh(): Promise<void> {
    const session = await this.look();
    if (!this.unread) {
      this.shownUntil = session?.lastModified ?? this.shownUntil;
    }
  }

  private async look(): Promise<Session | undefined> {
    if (this.id === undefined || this.server.state !== 'running') {
      return undefined;
    }
    const argument = { sessionId: this.id, limit: 1 };
    const read = await this.server.execute('claudeAgent.session.read', argument).catch(
      () => undefined, // a run that failed early has left no session
    );
    this.known = read?.session ?? this.known;
    this.changed.fire();
    return read?.session;
  }

  private keepChoice(): void {
    if (this.id !== undefined) {
      this.choices.keep(this.id, this.chosen);
    }
  }

  private argument(prompt: string, { context, attachments = [] }: Given): QueryArgument {
    const { model, effort, mode } = this.chosen;
    return {
      prompt,
      workspace: this.folder.uri.toString(),
      session: this.id ?? 'new',
      permissionMode: mode,
      ...(context !== undefined && { context: asQueryContext(context) }),
      ...(attachments.length > 0 && { attachments }),
      ...(model !== undefined && { model }),
      ...(effort !== undefined && { effort }),
    };
  }

  private take(event: RunEvent): void {
    if (event.kind === 'started') {
      this.id = event.run.sessionId;
    } else if (event.kind === 'mode') {
      this.chosen = { ...this.chosen, mode: event.permissionMode };
    }
    this.step({ kind: 'event', event });
    if (event.kind === 'started' || event.kind === 'mode') {
      this.keepChoice();
      this.changed.fire();
    }
  }

  private fail(error: unknown, stopped: boolean): void {
    const last = this.steps.at(-1);
    const told = last?.kind === 'event' && last.event.kind === 'ended';
    if (told) {
      return; // `ended` has the error, or says that it was stopped
    }
    const { message, hint } = error as { message: string; hint?: string };
    const lost = this.server.state !== 'running' && !stopped && hint === undefined;
    this.step({
      kind: 'failure',
      message: stopped ? 'Stopped.' : message,
      hint: lost ? 'What was said so far is in the session: ask again to go on.' : hint,
    });
  }

  private step(step: Step): void {
    this.steps = appended(this.steps, step);
    this.stepped.fire(step);
  }

  private report(line: string): void {
    this.doing = line;
    this.changed.fire();
  }
}

/** Words that follow each other under one message id are kept as one step. */
function appended(steps: readonly Step[], step: Step): readonly Step[] {
  const last = steps.at(-1);
  if (last?.kind === 'event' && step.kind === 'event') {
    const [before, now] = [last.event, step.event];
    const words = now.kind === 'text' || now.kind === 'thinking';
    if (words && before.kind === now.kind && before.messageId === now.messageId) {
      const event: RunEvent = { ...now, text: before.text + now.text };
      return [...steps.slice(0, -1), { kind: 'event', event }];
    }
  }
  return [...steps, step];
}

function firstPrompt(steps: readonly Step[]): string | undefined {
  const first = steps.find((step) => step.kind === 'prompt');
  return first?.prompt.split('\n')[0];
}
