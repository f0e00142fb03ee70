/** The types of docs/protocol.md, as host and view use them. */

export type Uri = string;

export type RunStatus = 'running' | 'completed' | 'cancelled' | 'timedOut' | 'failed';

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
}

export interface Session {
  readonly sessionId: string;
  readonly title: string;
  readonly firstPrompt: string | null;
  readonly tag: string | null;
  readonly workspace: Uri;
  readonly gitBranch: string | null;
  readonly createdAt: string;
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
}

export interface Question {
  readonly questionId: string;
  readonly runId: string;
  readonly sessionId: string;
  readonly kind: 'permission' | 'plan' | 'choice';
  readonly title: string;
  readonly detail: string;
  readonly options: readonly QuestionOption[];
  readonly deadline: string;
}

/** What a run tells, on its `partialResultToken`. */
export type RunEvent =
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
    }
  | {
      readonly kind: 'toolResult';
      readonly toolCallId: string;
      readonly status: ToolStatus;
      readonly text: string;
      readonly truncated?: boolean | null;
    }
  | { readonly kind: 'question'; readonly question: Question }
  | { readonly kind: 'questionAnswered'; readonly questionId: string; readonly answer: string }
  | {
      readonly kind: 'fileChanged';
      readonly uri: Uri;
      readonly change: 'created' | 'edited' | 'deleted';
    }
  | {
      readonly kind: 'usage';
      readonly contextTokens: number;
      readonly contextWindow: number;
      readonly costUsd: number;
    }
  | { readonly kind: 'notice'; readonly level: 'info' | 'warning' | 'error'; readonly text: string }
  | { readonly kind: 'ended'; readonly run: Run };
