/** One conversation: a session of the server, or one that begins with the next prompt. */
import * as vscode from 'vscode';
import type { SendHow } from '../../shared/messages';
import type { AskArgument } from '../../shared/code';
import type { Message, RunEvent, Session } from '../../shared/protocol';
import { asQuery } from './asking';
import type { EditCall } from '../diffs';
import type { RunListener } from '../server/client';
import type { OwnRun, Server } from '../server/server';
import { configuredMode } from '../settings';
import type { Choice, Choices } from './choices';
import { once } from './once';
import { Queue } from './queue';
import { type Reading, readSession } from './reading';
import { Watch } from './watch';
import {
  type PromptExtras,
  ShownRun,
  type Step,
  appended,
  areShown,
  callIn,
  endedInError,
  failureStep,
  firstPrompt,
  hasHappened,
  lineOf,
} from './steps';

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
  /** What waits for the session. */
  readonly queue: Queue;
  /** What other editors do in its session. */
  readonly watch: Watch;

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
    this.queue = new Queue(server, () => this.changed.fire());
    this.watch = new Watch(server);
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

  /** Whether it may not be forgotten. */
  get busy(): boolean {
    return (this.running && this.watch.heldBy === undefined) || this.queue.prompts.length > 0;
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
    this.show(await readSession(this.server, sessionId), steps);
    await this.watch.begin(sessionId);
  }

  /** Stands for a session that nothing has been said in yet. */
  beginAs(sessionId: string): void {
    this.id = sessionId;
    this.chosen = this.choices.of(sessionId) ?? this.chosen;
    this.queue.look(sessionId);
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
    if (session !== undefined) {
      await this.watch.begin(session.sessionId);
    }
    const { steps } = this;
    const stays = this.running || (endedInError(steps) && !this.unread);
    if (session === undefined || stays || session.lastModified === this.shownUntil) {
      return;
    }
    const reading = await readSession(this.server, session.sessionId);
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
    if (this.watch.heldBy !== undefined) {
      this.stopping?.cancel(); // nothing more is told of a run that goes on elsewhere
    }
    this.watch.end();
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
   * @param how What becomes of it while a run is at work.
   */
  async ask(prompt: string, extras: PromptExtras = {}, how: SendHow = 'queue'): Promise<void> {
    while (this.running && this.id === undefined) {
      await once(this.onDidChange); // else it would begin a session of its own
    }
    const shown = new ShownRun(prompt, extras, this.running);
    if (!shown.waits) {
      this.begin(shown, 'Starting');
    }
    const asked = asQuery(prompt, extras, this.chosen, this.folder, this.id);
    const argument = { ...asked, ifBusy: how === 'steer' ? how : 'queue' } as const;
    await this.run(shown, how, async (heard, token) => this.server.query(argument, heard, token));
  }

  /** Has a code action ask here, and resolves when its run has ended; the prompt is the server's. */
  async act(action: AskArgument): Promise<void> {
    while (this.running && this.id === undefined) {
      await once(this.onDidChange);
    }
    const shown = new ShownRun(undefined, {}, true);
    const asked = { ...action, session: this.id ?? 'new' };
    await this.run(shown, 'queue', async (heard, token) => this.server.ask(asked, heard, token));
  }

  /**
   * Shows a run that was not asked for here: the agent has begun it, its prompt has waited, or it is
   * at work in another editor.
   */
  async follow(own: OwnRun): Promise<void> {
    const shown = new ShownRun(own.run.prompt ?? undefined, {}, true);
    if (own.run.heldBy != null) {
      this.messages = this.watch.take(own.run, this.messages);
      this.replaced.fire();
    }
    await this.run(shown, 'queue', async (heard, token) => own.follow(heard, token));
  }

  /** @param work Resolves when the run has ended; its token stops it. */
  private async run(
    shown: ShownRun,
    how: SendHow,
    work: (heard: RunListener, token: vscode.CancellationToken) => Promise<unknown>,
  ): Promise<void> {
    const { mode } = this.chosen;
    const heard = {
      event: (event: RunEvent) => {
        if (event.kind === 'queued' && how === 'stop') {
          this.stop();
          this.queue.send(event.run.runId).catch(() => undefined); // its turn has just come
        }
        this.happen(shown, event, mode);
      },
      line: (line: string) => (shown.waits ? undefined : this.report(line)),
    };
    try {
      await work(heard, shown.stopping.token);
    } catch (error) {
      if (!shown.ended) {
        this.fail(error, shown.stopping.token.isCancellationRequested);
      }
    } finally {
      this.end(shown);
      shown.stopping.dispose();
    }
    await this.renew().catch(() => undefined); // it is read when it is looked at again
  }

  private begin(shown: ShownRun, line: string): void {
    shown.waits = false;
    this.stopping = shown.stopping;
    if (shown.prompt !== undefined) {
      this.step({ kind: 'prompt', prompt: shown.prompt, extras: shown.extras });
    }
    this.report(line);
  }

  private end(shown: ShownRun): void {
    if (this.stopping === shown.stopping) {
      this.stopping = undefined;
      this.watch.heldBy = undefined;
      this.report('');
    }
  }

  /** Shows an event, once its run is at work: one that waits stands in the queue. */
  private happen(shown: ShownRun, event: RunEvent, mode: string): void {
    const failed = event.kind === 'ended' && event.run.error != null && event.run.steeredInto == null;
    if (shown.waits && (event.kind === 'started' || failed)) {
      const prompt = event.run.prompt ?? shown.prompt;
      this.begin(prompt === undefined ? shown : shown.asking(prompt), lineOf(event.run));
    }
    if (!shown.waits) {
      this.take(event, mode);
    }
    if (event.kind === 'ended') {
      shown.ended = true;
      this.end(shown);
    }
  }

  /** Stops the run. */
  stop(): void {
    if (this.stopping !== undefined && this.watch.heldBy === undefined) {
      this.report('Stopping');
      this.stopping.cancel();
    }
  }

  /** Returns a tool call of this conversation, and what has become of it. */
  call(toolCallId: string): EditCall | undefined {
    return callIn(this.messages, this.steps, toolCallId);
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
    this.queue.look(session.sessionId);
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
    } else if (event.kind === 'ended' && event.run.nextSessionId != null) {
      // It was cleared; what was said stays to be read until something else is.
      this.id = event.run.nextSessionId;
      this.known = undefined;
      this.choosing(this.chosen);
    }
  }

  private fail(error: unknown, stopped: boolean): void {
    const last = this.steps.at(-1);
    if (last?.kind === 'event' && last.event.kind === 'ended') {
      return; // `ended` has the error, or says that it was stopped
    }
    const said = this.messages.length > 0 || hasHappened(this.steps);
    this.step(failureStep(error, stopped, this.server.state !== 'running' && !stopped, said));
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
