/** The server's life: started when it is first needed, again after a crash, and ended with us. */
import { mkdir } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Waiting } from '../../shared/control';
import type { Commands } from '../../shared/commands';
import type { AskArgument } from '../../shared/code';
import type { QueryArgument, Run } from '../../shared/protocol';
import type { Client, RunListener } from './client';
import type { Installation } from './environment';
import { findServer } from './executable';
import { ServerFailure } from './failure';
import { Restarts } from './restarts';

/** What waits for a session; a long prompt is cut. */
export interface SessionQueue {
  readonly sessionId: string;
  readonly queue: readonly Waiting[];
}

/** A run that was not asked for here, and the way to follow it. */
export interface OwnRun {
  readonly run: Run;
  follow(listener: Pick<RunListener, 'event'>, token: vscode.CancellationToken): Promise<void>;
}

export type ServerState = 'stopped' | 'starting' | 'running' | 'failed';

/** The one server of this window. */
export class Server implements vscode.Disposable {
  private readonly stateChanged = new vscode.EventEmitter<ServerState>();
  private readonly asking = new vscode.EventEmitter<void>();
  private readonly acting = new vscode.EventEmitter<AskArgument>();
  private readonly beginning = new vscode.EventEmitter<OwnRun>();
  private readonly queueing = new vscode.EventEmitter<SessionQueue>();
  private readonly failing = new vscode.EventEmitter<ServerFailure>();
  private readonly restarts = new Restarts();
  private client: Promise<Client> | undefined;
  private ending: Promise<void> = Promise.resolve();
  private current: ServerState = 'stopped';

  /** What is the matter now. */
  readonly onDidChangeState = this.stateChanged.event;
  /** The agent has opened a question. */
  readonly onDidAsk = this.asking.event;
  /** The user has chosen a code action. */
  readonly onDidAct = this.acting.event;
  /** A run has begun that was not asked for here. */
  readonly onDidBegin = this.beginning.event;
  /** What waits for a session has changed. */
  readonly onDidQueue = this.queueing.event;
  /** It could not be started, or has crashed. */
  readonly onDidFail = this.failing.event;

  constructor(readonly installation: Installation) {}

  get state(): ServerState {
    return this.current;
  }

  /** Whether one is there or on its way. */
  private get wanted(): boolean {
    return this.client !== undefined;
  }

  /** Executes a command of the server, which is started if it isn't there. */
  async execute<Name extends keyof Commands>(
    command: Name,
    argument: Commands[Name][0],
    token?: vscode.CancellationToken,
  ): Promise<Commands[Name][1]> {
    const client = await this.running();
    return client.execute(command, argument, token);
  }

  /** Runs the agent; see `Client.run`. */
  async query(
    argument: QueryArgument,
    listener: RunListener,
    token: vscode.CancellationToken,
  ): Promise<Run> {
    const client = await this.running();
    return client.run('claudeAgent.query', argument, listener, token);
  }

  /** Has the agent do what a code action is for; see `Client.run`. */
  async ask(
    argument: AskArgument,
    listener: RunListener,
    token: vscode.CancellationToken,
  ): Promise<Run> {
    const client = await this.running();
    return client.run('claudeAgent.ask', argument, listener, token);
  }

  /**
   * Finds the executable, and tells the user what they can do where there is none.
   *
   * @throws ServerFailure There is none, and none can be made; the user has been told.
   */
  async find(): Promise<string> {
    return findServer(this.installation).catch((error: unknown) => this.failed(error));
  }

  /** Starts anew, because the user wants it. */
  async restart(): Promise<void> {
    await this.stop();
    this.restarts.clear();
    await this.running();
  }

  /** Ends the server in order: its runs are stopped, and what was said is in their sessions. */
  async stop(): Promise<void> {
    const stopping = this.client;
    this.client = undefined;
    if (stopping) {
      const before = this.ending;
      const ended = stopping.then((client) => client.stop()).catch(() => undefined);
      this.ending = before.then(() => ended);
    }
    await this.ending;
    if (!this.wanted) {
      this.change('stopped');
    }
  }

  dispose(): void {
    void this.stop();
  }

  /**
   * Returns the running server.
   *
   * @throws ServerFailure It can't be found or started; the user has been told.
   */
  private running(): Promise<Client> {
    if (this.client === undefined) {
      const starting = this.start();
      this.client = starting;
      starting.catch(() => {
        if (this.client === starting) {
          this.client = undefined;
        }
      });
    }
    return this.client;
  }

  private async start(): Promise<Client> {
    this.change('starting');
    await this.ending; // of two at once the second could not register its commands
    try {
      const executable = await findServer(this.installation);
      const { Client } = await import('./client');
      // No folder's directory: Windows looks for programs there first, and Python for modules.
      const { log, storage } = this.installation;
      await mkdir(storage, { recursive: true });
      const client = new Client(executable, storage, log, {
        crashed: () => this.crashed(),
        acted: (argument) => this.acting.fire(argument),
        asked: () => this.asking.fire(),
        queued: (sessionId, queue) => this.queueing.fire({ sessionId, queue }),
        began: (run) => this.beginning.fire({ run, follow: (...how) => client.follow(run, ...how) }),
      });
      await client.start().catch(async (error: unknown) => {
        await client.stop();
        throw new ServerFailure(
          'startFailed',
          `The Claude Agent server did not start: ${firstLine(error)}`,
          ['showOutput', 'tryAgain'],
        );
      });
      this.change('running');
      return client;
    } catch (error) {
      this.change('failed');
      return this.failed(error);
    }
  }

  /** Tells the user of a failure, once, and passes it on. */
  private failed(error: unknown): never {
    if (error instanceof ServerFailure) {
      this.failing.fire(error);
    }
    throw error;
  }

  private crashed(): void {
    this.client = undefined;
    if (this.restarts.allowed()) {
      this.change('stopped');
      const told = 'The Claude Agent server ended unexpectedly and is restarted.';
      this.failing.fire(new ServerFailure('crashed', told, ['showOutput']));
      this.running().catch(() => undefined); // told already
      return;
    }
    this.change('failed');
    const told = 'The Claude Agent server keeps ending unexpectedly and is not restarted.';
    this.failing.fire(new ServerFailure('crashed', told, ['restart', 'showOutput']));
  }

  private change(state: ServerState): void {
    if (state !== this.current) {
      this.current = state;
      this.stateChanged.fire(state);
    }
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
