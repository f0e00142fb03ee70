/** The types of docs/protocol.md, as host and view use them. A test holds them against the server's. */
import type { QuestionKind } from './vocabulary';

export type Uri = string;

export type RunStatus = 'queued' | 'running' | 'completed' | 'cancelled' | 'timedOut' | 'failed';

export interface RunError {
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
}

export interface Run {
  readonly runId: string;
  readonly sessionId: string;
  readonly workspace: Uri;
  readonly status: RunStatus;
  readonly text: string;
  readonly structuredOutput?: unknown;
  readonly stopReason?: string | null;
  readonly turns: number;
  readonly durationMs: number;
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cacheReadTokens: number;
    readonly cacheWriteTokens: number;
  };
  readonly costUsd: number;
  readonly filesChanged: readonly Uri[];
  readonly permissionDenials: readonly { readonly tool: string; readonly reason: string }[];
  readonly error?: RunError | null;
  /** Who has begun it. */
  readonly origin: 'user' | 'agent';
  /** Why the agent has begun it by itself. */
  readonly cause?: string | null;
  /** Whether it waits for its session. */
  readonly queued?: boolean | null;
}

export interface Session {
  readonly sessionId: string;
  readonly title: string;
  readonly firstPrompt?: string | null;
  readonly tag?: string | null;
  readonly workspace: Uri;
  readonly gitBranch?: string | null;
  readonly createdAt?: string | null;
  readonly lastModified: string;
  readonly running: boolean;
  readonly current: boolean;
  readonly interrupted: boolean;
  readonly origin: 'editor' | 'terminal' | 'shared';
}

export type ToolStatus = 'completed' | 'failed' | 'denied';

export interface MessageToolCall {
  readonly toolCallId: string;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly status?: ToolStatus | null;
  readonly text?: string | null;
}

export interface Message {
  readonly messageId: string;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly thinking?: string | null;
  readonly toolCalls: readonly MessageToolCall[];
  readonly timestamp: string;
  readonly recovered?: boolean | null;
}

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface Location {
  readonly uri: Uri;
  readonly range?: Range | null;
}

export interface QuestionOption {
  readonly value: string;
  readonly label: string;
  /** Of a choice: what the agent says about it. */
  readonly description?: string | null;
}

/** What happens if the user says yes. */
export interface Action {
  /** What it is done to, in a short line; may be empty. */
  readonly subject: string;
  readonly tool?: string | null;
  /** The whole command or script. */
  readonly command?: string | null;
  readonly path?: string | null;
  /** What the agent says that a command does. */
  readonly description?: string | null;
}

/** Something that an answer allows beyond the one tool call. */
export interface Grant {
  readonly kind: 'call' | 'rule' | 'mode' | 'directory';
  /** The same in a few words. */
  readonly text: string;
  readonly tool?: string | null;
  readonly rule?: string | null;
  readonly mode?: string | null;
  readonly directory?: string | null;
}

export interface Grants {
  readonly session: readonly Grant[];
  readonly always: readonly Grant[];
  readonly savedIn?: string | null;
}

export interface Question {
  readonly questionId: string;
  readonly runId: string;
  readonly sessionId: string;
  readonly kind: QuestionKind;
  /** A whole sentence. */
  readonly title: string;
  /** Whether it says all that a yes would do. */
  readonly titleSaysAll?: boolean | null;
  /** The fields below as one text, cut where it is long. */
  readonly detail: string;
  readonly options: readonly QuestionOption[];
  readonly deadline: string;
  /** The whole change of an edit, as a unified diff. */
  readonly diff?: string | null;
  /** Whether several options can be chosen. */
  readonly multiple?: boolean | null;
  /** The whole plan. */
  readonly document?: string | null;
  /** Whether words of the user's own are an answer, too. */
  readonly freeText?: boolean | null;
  /** The tool call that waits for the answer. */
  readonly toolCallId?: string | null;
  readonly action?: Action | null;
  /** What else there is to know of it. */
  readonly notes?: readonly string[];
  /** Why the CLI asks. */
  readonly reason?: string | null;
  readonly grants?: Grants;
}

/** What a run tells, on its `partialResultToken`. */
export type RunEvent =
  | { readonly kind: 'queued'; readonly run: Run; readonly position: number }
  | { readonly kind: 'started'; readonly run: Run }
  | { readonly kind: 'text' | 'thinking'; readonly messageId: string; readonly text: string }
  | {
      readonly kind: 'toolCall';
      readonly toolCallId: string;
      readonly tool: string;
      readonly title: string;
      readonly input: Readonly<Record<string, unknown>>;
      readonly locations: readonly Location[];
      readonly parentToolCallId?: string | null;
      readonly sharesIdOf?: string | null;
    }
  | {
      readonly kind: 'toolResult';
      readonly toolCallId: string;
      readonly status: ToolStatus;
      readonly text: string;
      readonly truncated?: boolean | null;
    }
  | { readonly kind: 'question'; readonly question: Question }
  | {
      readonly kind: 'questionAnswered';
      readonly questionId: string;
      readonly answer: string;
      readonly by: 'editor' | 'command' | 'deadline' | 'withdrawn';
      readonly note?: string | null;
    }
  | {
      readonly kind: 'fileChanged';
      readonly uri: Uri;
      readonly change: 'created' | 'edited' | 'deleted';
    }
  | { readonly kind: 'mode'; readonly permissionMode: string }
  | {
      readonly kind: 'usage';
      readonly contextTokens: number;
      readonly contextWindow: number;
      readonly costUsd: number;
    }
  | { readonly kind: 'notice'; readonly level: 'info' | 'warning' | 'error'; readonly text: string }
  | { readonly kind: 'ended'; readonly run: Run };

export interface QueryArgument {
  readonly prompt: string;
  readonly workspace?: Uri;
  readonly session?: string;
  readonly fork?: boolean;
  readonly resumeAt?: string;
  readonly context?: {
    readonly textDocument?: { readonly uri: Uri };
    readonly range?: Range;
    readonly diagnostics?: readonly Diagnostic[];
  };
  readonly attachments?: readonly Uri[];
  readonly model?: string;
  readonly effort?: string;
  readonly permissionMode?: string;
  readonly maxTurns?: number;
  readonly maxBudgetUsd?: number;
  readonly timeoutSeconds?: number;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly partialResultToken?: string | number;
  readonly wait?: boolean;
  readonly ifBusy?: 'queue' | 'refuse';
}

export interface Diagnostic {
  readonly range: Range;
  readonly message: string;
  readonly severity?: number;
  readonly source?: string;
  readonly code?: string | number;
}

export interface Model {
  readonly value: string;
  readonly displayName: string;
  readonly description?: string;
}

export interface SlashCommand {
  readonly name: string;
  readonly description?: string;
  readonly argumentHint?: string;
}

export interface Capabilities {
  readonly models: readonly Model[];
  readonly modes: readonly string[];
  readonly slashCommands: readonly SlashCommand[];
}

/** The commands of the server: the argument of each, and its answer. */
export interface Commands {
  'claudeAgent.query': [QueryArgument, Run];
  'claudeAgent.cancel': [{ runId?: string; sessionId?: string }, { cancelled: string[] }];
  'claudeAgent.capabilities': [{ workspace?: Uri }, Capabilities];
  'claudeAgent.mode': [{ sessionId: string; permissionMode: string }, unknown];
  'claudeAgent.question.list': [object, { questions: Question[] }];
  'claudeAgent.question.answer': [
    { questionId?: string; answer: string | readonly string[]; note?: string },
    { answered: boolean },
  ];
  'claudeAgent.session.list': [
    { workspace?: Uri; search?: string; tag?: string; limit?: number; cursor?: string },
    { sessions: Session[]; nextCursor?: string | null },
  ];
  'claudeAgent.session.read': [
    { sessionId: string; limit?: number; cursor?: string },
    { session: Session; messages: Message[]; nextCursor?: string | null },
  ];
  'claudeAgent.session.select': [{ workspace?: Uri; sessionId: string }, Session | null];
  'claudeAgent.session.rename': [{ sessionId: string; title: string }, Session];
  'claudeAgent.session.tag': [{ sessionId: string; tag?: string | null }, Session];
  'claudeAgent.session.fork': [{ sessionId: string; at?: string; title?: string }, Session];
  'claudeAgent.session.delete': [{ sessionId: string }, { deleted: boolean }];
  'claudeAgent.session.export': [
    { sessionId: string; format: 'markdown' | 'jsonl'; uri?: Uri },
    { uri?: Uri; text?: string },
  ];
  'claudeAgent.session.show': [{ sessionId?: string }, { uri: Uri; shown: boolean }];
  'claudeAgent.session.rewind': [
    { sessionId: string; messageId: string; dryRun?: boolean },
    { filesChanged: Uri[]; insertions: number; deletions: number },
  ];
  'claudeAgent.status': [object, Status];
  'claudeAgent.trust': [{ workspace?: Uri; trusted: boolean }, unknown];
}

export interface Status {
  readonly server: { readonly name: string; readonly version: string; readonly pid: number };
  readonly folders: readonly {
    readonly uri: Uri;
    readonly name: string;
    readonly currentSession?: string | null;
    readonly permissionMode: string;
    readonly trusted: boolean;
  }[];
  readonly runs: readonly Run[];
  readonly questions: readonly Question[];
}
