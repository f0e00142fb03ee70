/** What the commands about code are given, and what they find. */
import type { Range } from './control';
import type { QueryArgument, Uri } from './protocol';

export interface AskArgument {
  readonly task: 'explain' | 'fix' | 'refactor' | 'tests' | 'document' | 'prompt';
  readonly context: NonNullable<QueryArgument['context']>;
  readonly workspace?: Uri;
  readonly session?: string;
  readonly partialResultToken?: string | number;
  readonly wait?: boolean;
  readonly ifBusy?: 'queue' | 'steer' | 'refuse';
}

export interface ReviewArgument {
  readonly subject?: 'changes' | 'branch' | 'file' | 'selection';
  readonly context?: QueryArgument['context'];
  readonly base?: string;
  readonly instructions?: string;
  readonly workspace?: Uri;
  readonly session?: string;
  readonly model?: string;
  readonly partialResultToken?: string | number;
  readonly wait?: boolean;
}

export interface Finding {
  readonly findingId: string;
  readonly uri: Uri;
  readonly range: Range;
  readonly severity: number;
  readonly code: string;
  readonly message: string;
  readonly related: readonly { readonly uri: Uri; readonly line: number; readonly message: string }[];
}
