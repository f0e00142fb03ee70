/** The language client: loaded when the server is first needed, since it takes its time. */
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import {
  type ClientCapabilities,
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  type FeatureState,
  LanguageClient,
  type LanguageClientOptions,
  type MessageActionItem,
  MessageType,
  ProgressType,
  ShowMessageNotification,
  ShowMessageRequest,
  type ShowMessageRequestParams,
  State,
  type StaticFeature,
  TransportKind,
  WorkDoneProgress,
  type WorkDoneProgressReport,
} from 'vscode-languageclient/node';
import type { Waiting } from '../../shared/control';
import type { Commands } from '../../shared/commands';
import type { AskArgument } from '../../shared/code';
import type { QueryArgument, Run, RunEvent } from '../../shared/protocol';
import { plain } from '../plainText';
import { SECTION, forServer } from '../settings';
import { failure } from './failedRequest';
import { answerQuestions, tellDiagnostics } from './knowledge';
import { save } from './saving';

const LONGEST = 500;

/** What the server wants of whoever uses the client. */
export interface ClientEvents {
  /** The connection is gone and nobody asked for it. */
  crashed(): void;
  /** The user has chosen a code action. */
  acted(argument: AskArgument): void;
  /** A question is shown until the token is cancelled. */
  asked(): void;
  /** A run has begun that was not asked for on this connection. */
  began(run: Run): void;
  /** What waits for a session has changed. */
  queued(sessionId: string, queue: readonly Waiting[]): void;
}

/** What a run tells: its events, and what it does in a short line in the present tense. */
export interface RunListener {
  event(event: RunEvent): void;
  line(line: string): void;
}

/** What goes wrong is told once, by `Server`, with a button that helps. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** A running server. */
export class Client {
  private readonly client: LanguageClient;
  private readonly listening: vscode.Disposable;
  private telling: vscode.Disposable | undefined;
  private wanted = true;
  /** The runs that somebody listens to. */
  private readonly asked = new Set<string>();

  constructor(
    executable: string,
    cwd: string,
    log: vscode.LogOutputChannel,
    private readonly events: ClientEvents,
  ) {
    const server = { command: executable, options: { cwd }, transport: TransportKind.stdio };
    this.client = new QuietClient(SECTION, 'Claude Agent', server, this.options(log));
    this.client.onNotification(ShowMessageNotification.type, ({ type, message }) => {
      void showing(type)(plain(message, LONGEST));
    });
    this.client.onRequest(ShowMessageRequest.type, async (params, token) =>
      this.showMessage(params, token),
    );
    this.client.registerFeature(new KnowsTheServer());
    this.client.onRequest('claudeAgent/question', async (_question: unknown, token: vscode.CancellationToken) => {
      this.events.asked();
      return withdrawn(token);
    });
    const uriOf = (uri: vscode.Uri): string => this.client.code2ProtocolConverter.asUri(uri);
    this.client.onRequest(
      'claudeAgent/saveDocument',
      async ({ uri, version }: { uri: string; version: number }) => ({
        saved: await save(uri, version, uriOf),
      }),
    );
    answerQuestions(this.client);
    this.client.onNotification('claudeAgent/runChanged', (run: Run) => {
      if (run.status === 'running' && !this.asked.has(run.runId)) {
        this.events.began(run); // at once: its events come behind it
      }
    });
    this.client.onNotification(
      'claudeAgent/queueChanged',
      ({ sessionId, queue }: { sessionId: string; queue: readonly Waiting[] }) =>
        this.events.queued(sessionId, queue),
    );
    const tell = (): void => this.tellTrust();
    this.listening = vscode.Disposable.from(
      vscode.workspace.onDidGrantWorkspaceTrust(tell),
      vscode.workspace.onDidChangeWorkspaceFolders(tell),
    );
    this.client.onDidChangeState(({ newState, oldState }) => {
      if (newState === State.Stopped && oldState === State.Running && this.wanted) {
        this.endListening();
        this.events.crashed();
      }
    });
  }

  /** Resolves when the server has answered `initialize`. */
  async start(): Promise<void> {
    await this.client.start();
    this.tellTrust(); // it may have been given since `initialize` was sent
    this.telling = tellDiagnostics(this.client);
  }

  /** Ends the server in order; one that does not end is left to VS Code. */
  async stop(): Promise<void> {
    this.endListening();
    if (this.client.needsStop()) {
      await this.client.stop().catch(() => undefined);
    }
    await this.client.dispose().catch(() => undefined);
  }

  /**
   * Executes a command.
   *
   * @param token Cancels the request.
   * @throws RequestFailure The server's error.
   */
  async execute<Name extends keyof Commands>(
    command: Name,
    argument: Commands[Name][0],
    token?: vscode.CancellationToken,
  ): Promise<Commands[Name][1]> {
    const params = { command, arguments: [argument] };
    try {
      const answer: unknown = await this.client.sendRequest(ExecuteCommandRequest.type, params, token);
      return answer;
    } catch (error) {
      throw failure(error);
    }
  }

  /**
   * Runs the agent.
   *
   * @returns The run as it ended.
   * @throws RequestFailure Also of a run that was cancelled: `RequestCancelled`.
   */
  async run(
    command: 'claudeAgent.query' | 'claudeAgent.ask',
    argument: QueryArgument | AskArgument,
    listener: RunListener,
    token: vscode.CancellationToken,
  ): Promise<Run> {
    const events = randomUUID();
    const work = randomUUID();
    const listening = [
      this.client.onProgress(new ProgressType<RunEvent>(), events, (event) => {
        if (event.kind === 'started') {
          this.asked.add(event.run.runId);
        } else if (event.kind === 'ended') {
          this.asked.delete(event.run.runId);
        }
        listener.event(event);
      }),
      this.client.onProgress(WorkDoneProgress.type, work, (value) => {
        const { message } = value as WorkDoneProgressReport;
        if (value.kind === 'report' && message !== undefined) {
          listener.line(message);
        }
      }),
    ];
    const given = { ...argument, wait: true, partialResultToken: events };
    const params = { command, arguments: [given], workDoneToken: work };
    try {
      const run: unknown = await this.client.sendRequest(ExecuteCommandRequest.type, params, token);
      return run as Run;
    } catch (error) {
      throw failure(error);
    } finally {
      vscode.Disposable.from(...listening).dispose();
    }
  }

  /**
   * Follows a run that was not asked for here, until it has ended.
   *
   * @param token Stops it; of one that another server has at work, the following alone.
   */
  async follow(
    { runId, heldBy }: Run,
    listener: Pick<RunListener, 'event'>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const listening: { dispose(): void }[] = [];
    try {
      await new Promise<void>((resolve, reject) => {
        const type = new ProgressType<RunEvent>();
        listening.push(
          token.onCancellationRequested(() => {
            if (heldBy != null) {
              resolve();
              return;
            }
            this.execute('claudeAgent.cancel', { runId }).catch(() => undefined); // it has just ended
          }),
          this.client.onProgress(type, `claudeAgent/run/${runId}`, (event) => {
            listener.event(event);
            if (event.kind === 'ended') {
              resolve();
            }
          }),
          this.client.onDidChangeState(({ newState }) => {
            if (newState === State.Stopped) {
              reject(new Error('The Claude Agent server has ended.'));
            }
          }),
        );
      });
    } finally {
      vscode.Disposable.from(...listening).dispose();
    }
  }

  private endListening(): void {
    this.wanted = false;
    this.listening.dispose();
    this.telling?.dispose();
  }

  private tellTrust(): void {
    if (this.client.isRunning()) {
      const params = { trustedFolders: trustedFolders() };
      this.client.sendNotification('claudeAgent/trustChanged', params).catch(() => undefined);
    }
  }

  private options(log: vscode.LogOutputChannel): LanguageClientOptions {
    return {
      documentSelector: [{ scheme: 'file' }],
      outputChannel: log,
      initializationOptions: () => ({ trustedFolders: trustedFolders() }),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
      },
      middleware: {
        executeCommand: (command, args: unknown[], next): unknown => {
          if (command !== 'claudeAgent.ask') {
            return next(command, args);
          }
          this.events.acted(args[0] as AskArgument);
          return undefined;
        },
        workspace: {
          configuration: async (params, token, next) => {
            const answers = await next(params, token);
            return Array.isArray(answers)
              ? answers.map(forServer)
              : answers;
          },
        },
      },
    };
  }

  /** An older server asks in LSP's words: a question of the agent is known by its first action. */
  private async showMessage(
    { type, message, actions = [] }: ShowMessageRequestParams,
    token: vscode.CancellationToken,
  ): Promise<MessageActionItem | null> {
    if (actions[0]?.title !== 'Deny') {
      return (await showing(type)(plain(message, LONGEST), ...actions)) ?? null;
    }
    this.events.asked();
    return withdrawn(token);
  }
}

const ANNOUNCED = {
  diagnostics: true,
  language: true,
  questions: true,
  saveDocument: true,
  sessionEvents: true,
  subagentText: true,
  trust: true,
  visibleDocuments: true,
};

/** Says that questions can be asked in the server's own words, and that VS Code knows what to trust. */
class KnowsTheServer implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const others = (capabilities.experimental ?? {}) as Record<string, unknown>;
    capabilities.experimental = { ...others, claudeAgent: ANNOUNCED };
  }

  initialize(): void {
    // nothing depends on what the server can do
  }

  getState(): FeatureState {
    return { kind: 'static' };
  }

  clear(): void {
    // nothing is kept
  }
}

function showing(type: MessageType): typeof vscode.window.showErrorMessage {
  switch (type) {
    case MessageType.Error:
      return vscode.window.showErrorMessage;
    case MessageType.Warning:
      return vscode.window.showWarningMessage;
    default:
      return vscode.window.showInformationMessage;
  }
}

/** The folders of a window are trusted together. */
function trustedFolders(): readonly string[] {
  const folders = vscode.workspace.isTrusted ? (vscode.workspace.workspaceFolders ?? []) : [];
  return folders.map((folder) => folder.uri.toString());
}

/** Resolves when the server takes its question back: answered by command, or past its deadline. */
async function withdrawn(token: vscode.CancellationToken): Promise<null> {
  return new Promise((resolve) => {
    token.onCancellationRequested(() => resolve(null));
  });
}
