/** More types of docs/protocol.md: places, what waits, what an answer allows, tasks, what an agent is run with. */

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface Location {
  readonly uri: string;
  readonly range?: Range | null;
}

/** A query that waits for its session. */
export interface Waiting {
  readonly runId: string;
  readonly sessionId: string;
  readonly workspace: string;
  readonly prompt: string;
  /** Whether there is more of the prompt. */
  readonly truncated?: boolean | null;
  /** For its turn, until the user goes on, or on its way into the turn at work. */
  readonly state: 'waiting' | 'kept' | 'sending';
  readonly at: string;
}

/** Something that the agent has left at work behind its turns. */
export interface Task {
  readonly taskId: string;
  readonly sessionId: string;
  readonly workspace: string;
  readonly kind: 'command' | 'agent' | 'other';
  /** The command, else what the agent has called it, in a line. */
  readonly title: string;
  readonly state: 'running' | 'completed' | 'failed' | 'stopped';
  readonly startedAt: string;
  readonly durationMs: number;
  readonly endedAt?: string | null;
  readonly command?: string | null;
  readonly toolCallId?: string | null;
  readonly lastLines?: string | null;
}

export interface McpServer {
  readonly name: string;
  readonly status: 'connected' | 'pending' | 'failed' | 'needs-auth' | 'disabled';
  readonly scope?: string | null;
  readonly transport?: string | null;
  readonly error?: string | null;
  readonly tools: readonly { readonly name: string; readonly description?: string }[];
}

export interface ContextUsage {
  readonly sessionId: string;
  readonly model: string;
  readonly totalTokens: number;
  readonly maxTokens: number;
  readonly percentage: number;
  readonly categories: readonly { readonly name: string; readonly tokens: number }[];
}

export interface AccountLimit {
  readonly limit: string;
  readonly status: string;
  readonly heardAt: string;
  readonly resetsAt?: string | null;
  readonly utilization?: number | null;
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

/** A line of a session that holds what was searched for. */
export interface Match {
  readonly place: 'prompt' | 'answer' | 'tool';
  readonly messageId: string;
  readonly line: string;
}

/** Of how many transcripts all that was said is known. */
export interface Searched {
  readonly done: number;
  readonly total: number;
}

/** A file that was brought here, and what has become of it. */
export interface Imported {
  readonly uri: string;
  readonly outcome: 'imported' | 'known' | 'refused';
  readonly sessionId?: string | null;
  readonly unreadable: number;
  readonly reason?: string | null;
}

export interface SessionListArgument {
  readonly workspace?: string;
  readonly search?: string;
  readonly matches?: boolean;
  readonly tag?: string;
  readonly branch?: string;
  readonly since?: string;
  readonly until?: string;
  readonly file?: string;
  readonly archived?: boolean;
  readonly limit?: number;
  readonly cursor?: string;
}

export type ToolStatus = 'completed' | 'failed' | 'denied';

export interface MessageToolCall {
  readonly toolCallId: string;
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly status?: ToolStatus | null;
  readonly text?: string | null;
  /** Whether there is more of the text than this, and how much all of it is. */
  readonly truncated?: boolean | null;
  readonly length?: number | null;
}

export interface RunError {
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
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

export interface Diagnostic {
  readonly range: Range;
  readonly message: string;
  readonly severity?: number;
  readonly source?: string;
  readonly code?: string | number;
}
