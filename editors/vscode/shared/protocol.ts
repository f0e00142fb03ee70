/** The types of docs/protocol.md, as host and view use them. A test holds them against the server's. */
import type {
  Action,
  Diagnostic,
  Grants,
  Location,
  Match,
  MessageToolCall,
  QuestionOption,
  Range,
  RunError,
  Task,
  ToolStatus,
} from './control';
export type { Diagnostic, Location, MessageToolCall, Position, Range, RunError, ToolStatus } from './control';
export type { Branch, Part, Rewind, RewindAnswer } from './rewind';
import type { QuestionKind } from './vocabulary';

export type Uri = string;

export type RunStatus = 'queued' | 'running' | 'completed' | 'cancelled' | 'timedOut' | 'failed';

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
  /** What it asks, while it is at work, if it has waited or is followed. */
  readonly prompt?: string | null;
  /** The run whose turn has taken its prompt in. */
  readonly steeredInto?: string | null;
  /** What a hook has said instead of letting the prompt through. */
  readonly blocked?: { readonly reason: string; readonly kept: boolean; readonly hint: string } | null;
  /** The session that the user goes on in, where they have cleared this one. */
  readonly nextSessionId?: string | null;
  /** The editor and the server's process in which it is at work, where it is only followed here. */
  readonly heldBy?: string | null;
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
  readonly costUsd?: number | null;
  readonly goesAt?: string | null;
  readonly elsewhere?: 'worktree' | 'gone' | null;
  /** How many prompts the user has written in it. */
  readonly prompts?: number | null;
  readonly pinned: boolean;
  readonly archived: boolean;
  /** Of one that was searched for: the lines that hold the words. */
  readonly matches?: readonly Match[] | null;
}

export type Level = 'info' | 'warning' | 'error';

/** What an entry of a session is, if it is no message. */
export type MessageKind = 'command' | 'compaction' | 'gap' | 'interrupted' | 'notice' | 'outcome' | 'retracted' | 'woken';

/** How a run has ended, without its answer. */
export type Outcome = Omit<Run, 'sessionId' | 'workspace' | 'text'> & {
  readonly permissionMode?: string | null;
  readonly contextTokens?: number | null;
  readonly contextWindow?: number | null;
};

export interface Message {
  readonly messageId: string;
  readonly role: 'user' | 'assistant' | 'system';
  readonly kind?: MessageKind | null;
  readonly text: string;
  readonly thinking?: string | null;
  readonly toolCalls: readonly MessageToolCall[];
  readonly timestamp: string;
  readonly recovered?: boolean | null;
  readonly parentToolCallId?: string | null;
  /** Of a prompt: what the user was looking at. */
  readonly context?: { readonly uri?: Uri; readonly range?: Range; readonly problems?: number } | null;
  /** Of a prompt: the files that it was about. */
  readonly attachments?: readonly Uri[] | null;
  readonly run?: Outcome | null;
  /** Of a notice. */
  readonly level?: Level | null;
  /** Of words that were retracted: the message that they were said in. */
  readonly retracts?: string | null;
  /** Of a compaction: how full the context was, and then. */
  readonly tokensBefore?: number | null;
  readonly tokensAfter?: number | null;
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
  /** Whether the answer may say how the file shall be instead. */
  readonly editable?: boolean | null;
  /** What else there is to know of it. */
  readonly notes?: readonly string[];
  /** Why the CLI asks. */
  readonly reason?: string | null;
  readonly grants?: Grants;
  /** Of another editor's: which, and its server's process. */
  readonly heldBy?: string | null;
}

/** What a run tells, on its `partialResultToken`. */
export type RunEvent =
  | { readonly kind: 'queued'; readonly run: Run; readonly position: number }
  | { readonly kind: 'started'; readonly run: Run }
  | { readonly kind: 'steered'; readonly runId: string; readonly into: string;
      readonly messageId: string; readonly text: string }
  | {
      readonly kind: 'text' | 'thinking';
      readonly messageId: string;
      readonly text: string;
      /** Of a subagent's words; only where they were asked for. */
      readonly parentToolCallId?: string | null;
    }
  /** The last words of a message do not stand. */
  | { readonly kind: 'retracted'; readonly messageId: string; readonly text: string }
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
      readonly edited?: boolean | null;
    }
  | {
      readonly kind: 'fileChanged';
      readonly uri: Uri;
      readonly change: 'created' | 'edited' | 'deleted';
      readonly movedFrom?: Uri;
      readonly movedTo?: Uri;
    }
  | { readonly kind: 'mode'; readonly permissionMode: string }
  | {
      readonly kind: 'usage';
      readonly contextTokens: number;
      readonly contextWindow: number;
      readonly costUsd: number;
    }
  | { readonly kind: 'task'; readonly task: Task }
  | {
      readonly kind: 'compacted';
      readonly trigger: 'manual' | 'auto';
      readonly tokensBefore: number;
      readonly tokensAfter?: number | null;
    }
  | {
      readonly kind: 'notice';
      readonly level: Level;
      readonly text: string;
      /** That of the entry of the session which says it, too. */
      readonly messageId?: string | null;
    }
  | {
      readonly kind: 'hook';
      readonly hookId: string;
      readonly name: string;
      readonly event: string;
      readonly status: 'started' | 'completed' | 'blocked' | 'failed' | 'cancelled';
      readonly text?: string | null;
    }
  | { readonly kind: 'ended'; readonly run: Run };

export interface QueryArgument {
  readonly prompt: string;
  readonly workspace?: Uri;
  readonly session?: string;
  readonly fork?: boolean;
  readonly resumeAt?: string;
  readonly inPlace?: boolean;
  readonly context?: {
    readonly textDocument?: { readonly uri: Uri };
    readonly range?: Range;
    readonly diagnostics?: readonly Diagnostic[];
    readonly text?: string;
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
  readonly ifBusy?: 'queue' | 'steer' | 'refuse';
  readonly subagentText?: boolean;
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
