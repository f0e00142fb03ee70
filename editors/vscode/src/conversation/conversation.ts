/** One conversation: a session of the server, or one that begins with the next prompt. */
import * as vscode from 'vscode';
import type { Message, QueryArgument, Question, RunEvent, Session } from '../../shared/protocol';
import { asQueryContext } from '../context/selection';
import type { EditCall } from '../diffs';
import type { OwnRun, Server } from '../server/server';
import { configuredMode } from '../settings';
import type { Choice, Choices } from './choices';
import {
  type Asked,
  type PromptExtras,
  type Step,
  appended,
  areShown,
  callIn,
  endedInError,
  firstPrompt,
  lastAsked,
} from './steps';

const PAGE = 1000;

interface Reading {
  readonly session: Session;
  readonly messages: readonly Message[];
}

export class Conversation {
  private readonly stepped = new vscode.EventEmitter<Step>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly replaced = new vscode.EventEmitter<void>();
  private stopping: vscode.CancellationTokenSource | undefined;
  private doing = '';
  private known: Session | undefined;
  private id: string | undefined;
  /** When the session was last written to, as far as it was read for being shown here. */
  private shownUntil: string | undefined;
  private coming: vscode.Disposable | undefined;
  private chosen: Choice;

  /** Whether it has a session that could not be read yet. */
  unread = false;
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
    this.show(await this.read(sessionId), steps);
  }

  /**
   * Stands for a session that can't be read now: it is as soon as there is a server, or once it has
   * gone on here.
   *
   * @param error Why it can't.
   */
  await(sessionId: string, error: unknown): void {
    this.id = sessionId;
    this.unread = true;
    this.chosen = this.choices.of(sessionId) ?? this.chosen;
    this.fail(error, false);
    this.coming = this.server.onDidChangeState((state) => {
      if (state === 'running') {
        this.dispose();
        this.renew().catch(() => undefined); // the server's own failure is told by it
      }
    });
  }

  /**
   * Reads the session again if others have said something in it: in a terminal, another editor, or
   * behind a run's end. What went wrong here stays to be read, until something is asked.
   */
  async renew(): Promise<void> {
    const session = await this.refresh();
    const { steps } = this;
    const stays = this.running || (endedInError(steps) && !this.unread);
    if (session === undefined || stays || session.lastModified === this.shownUntil) {
      return;
    }
    const reading = await this.read(session.sessionId);
    const told = areShown(reading.messages, this.messages, steps);
    if (told && !this.unread && this.steps === steps) {
      this.shownUntil = reading.session.lastModified;
    } else {
      this.show(reading, steps);
    }
  }

  /** It is shown no more. */
  dispose(): void {
    this.coming?.dispose();
    this.coming = undefined;
  }

  /** Chooses how the next prompts are run; a mode holds for a run that is going on, too. */
  async choose(choice: Partial<Choice>): Promise<void> {
    const before = this.chosen.mode;
    this.choosing({ ...this.chosen, ...choice });
    if (choice.mode !== undefined && this.id !== undefined) {
      await this.tellMode(this.id).catch((error: unknown) => {
        this.choosing({ ...this.chosen, mode: before });
        throw error;
      });
    }
  }

  /**
   * Asks, and resolves when the run has ended. What goes wrong is told in the conversation.
   *
   * @param prompt Not blank.
   */
  async ask(prompt: string, extras: PromptExtras = {}): Promise<void> {
    if (this.stopping !== undefined) {
      return;
    }
    const { mode } = this.chosen;
    this.step({ kind: 'prompt', prompt, extras });
    await this.run('Starting', async (token) => {
      const listener = {
        event: (event: RunEvent) => this.take(event, mode),
        line: (line: string) => this.report(line),
      };
      await this.server.query(this.argument(prompt, extras), listener, token);
    });
  }

  /** Shows a run that the agent has begun by itself. */
  async follow(own: OwnRun): Promise<void> {
    if (this.stopping === undefined) {
      const { mode } = this.chosen;
      await this.run(own.run.cause ?? 'Working', async (token) =>
        own.follow({ event: (event) => this.take(event, mode) }, token),
      );
    }
  }

  /** @param work Resolves when the run has ended; its token stops it. */
  private async run(
    line: string,
    work: (token: vscode.CancellationToken) => Promise<void>,
  ): Promise<void> {
    this.stopping = new vscode.CancellationTokenSource();
    const { token } = this.stopping;
    this.report(line);
    try {
      await work(token);
    } catch (error) {
      this.fail(error, token.isCancellationRequested);
    } finally {
      this.stopping.dispose();
      this.stopping = undefined;
      this.report('');
    }
    await this.renew().catch(() => undefined); // it is read when it is looked at again
  }

  /** Stops the run. */
  stop(): void {
    if (this.stopping !== undefined) {
      this.report('Stopping');
      this.stopping.cancel();
    }
  }

  /** Returns what was asked last, with what went with it as far as that is known. */
  lastAsked(): Asked | undefined {
    return lastAsked(this.messages, this.steps);
  }

  /** Returns a tool call of this conversation, and what has become of it. */
  call(toolCallId: string): EditCall | undefined {
    return callIn(this.messages, this.steps, toolCallId);
  }

  /** Returns the tool call that a question is about, if it is known. */
  asked({ toolCallId }: Question): EditCall | undefined {
    return this.call(toolCallId ?? '');
  }

  /** Looks anew at what the server knows of the session: its title, its tag. */
  async refresh(): Promise<Session | undefined> {
    if (this.id === undefined || this.server.state !== 'running') {
      return undefined;
    }
    const argument = { sessionId: this.id, limit: 0 };
    const read = await this.server.execute('claudeAgent.session.read', argument).catch(
      () => undefined, // a run that failed early has left no session
    );
    this.known = read?.session ?? this.known;
    this.changed.fire();
    return read?.session;
  }

  private async read(sessionId: string): Promise<Reading> {
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
    return { session, messages };
  }

  /** @param steps What had happened when the reading began: what has been said since is newer. */
  private show({ session, messages }: Reading, steps: readonly Step[]): void {
    if (this.running || this.steps !== steps) {
      return;
    }
    this.id = session.sessionId;
    this.unread = false;
    this.known = session;
    this.shownUntil = session.lastModified;
    this.chosen = this.choices.of(session.sessionId) ?? this.chosen;
    this.messages = messages;
    this.steps = [];
    this.replaced.fire();
    this.changed.fire();
  }

  private choosing(choice: Choice): void {
    this.chosen = choice;
    if (this.id !== undefined) {
      this.choices.keep(this.id, choice);
    }
    this.changed.fire();
  }

  private async tellMode(sessionId: string): Promise<void> {
    const permissionMode = this.chosen.mode;
    await this.server.execute('claudeAgent.mode', { sessionId, permissionMode });
  }

  private argument(prompt: string, { context, attachments = [] }: PromptExtras): QueryArgument {
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

  /** @param mode What the run was asked for with. */
  private take(event: RunEvent, mode: string): void {
    this.step({ kind: 'event', event });
    if (event.kind === 'started') {
      this.id = event.run.sessionId;
      this.choosing(this.chosen);
      if (this.chosen.mode !== mode) {
        // It was chosen before there was a session to tell it of.
        this.tellMode(this.id).catch(() => this.choosing({ ...this.chosen, mode }));
      }
    } else if (event.kind === 'mode') {
      this.choosing({ ...this.chosen, mode: event.permissionMode });
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
      hint: lost ? 'The conversation so far is saved in the session. Ask again to continue.' : hint,
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
