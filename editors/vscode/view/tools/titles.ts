/** What a tool call is about, in the user's words: a session that is read has no titles. */
import { oneLine } from '../visible';

export type Input = Readonly<Record<string, unknown>>;

export interface ToolTitle {
  readonly icon: string;
  /** "Reading" while it is at it. */
  readonly doing: string;
  /** "Read" afterwards. */
  readonly done: string;
  /** "app.py", "make test"; may be empty. */
  readonly subject: string;
  /** Whether the subject is code. */
  readonly code: boolean;
  /** The whole of the subject. */
  readonly tooltip: string;
}

type Row = readonly [icon: string, doing: string, done: string, field: string];

const FILES = new Set(['Edit', 'MultiEdit', 'NotebookEdit', 'Read', 'Write', 'LS']);
const CODE = new Set(['Bash', 'Glob', 'Grep']);
const TOOLS: Readonly<Record<string, Row>> = {
  Agent: ['robot', 'Delegating', 'Delegated', 'description'],
  AskUserQuestion: ['question', 'Asking you', 'Asked you', ''],
  Bash: ['terminal', 'Running', 'Ran', 'command'],
  BashOutput: ['terminal', 'Looking at output', 'Looked at output', ''],
  Edit: ['edit', 'Editing', 'Edited', 'file_path'],
  ExitPlanMode: ['checklist', 'Proposing a plan', 'Proposed a plan', ''],
  Glob: ['search', 'Looking for', 'Looked for', 'pattern'],
  Grep: ['search', 'Searching for', 'Searched for', 'pattern'],
  KillShell: ['terminal', 'Ending a command', 'Ended a command', ''],
  LS: ['folder', 'Listing', 'Listed', 'path'],
  MultiEdit: ['edit', 'Editing', 'Edited', 'file_path'],
  NotebookEdit: ['edit', 'Editing', 'Edited', 'notebook_path'],
  Read: ['file', 'Reading', 'Read', 'file_path'],
  Skill: ['tools', 'Using', 'Used', 'skill'],
  Task: ['robot', 'Delegating', 'Delegated', 'description'],
  TodoWrite: ['checklist', 'Planning', 'Planned', ''],
  WebFetch: ['globe', 'Fetching', 'Fetched', 'url'],
  WebSearch: ['globe', 'Searching the web for', 'Searched the web for', 'query'],
  Write: ['new-file', 'Writing', 'Wrote', 'file_path'],
};

export function titleOf(tool: string, input: Input): ToolTitle {
  const row = TOOLS[tool];
  if (row === undefined) {
    const [, server, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
    const subject = server === undefined ? tool : `${name ?? ''} (${server})`;
    const words = { subject: oneLine(subject, 80), tooltip: oneLine(tool) };
    return { icon: 'tools', doing: 'Using', done: 'Used', code: false, ...words };
  }
  const [icon, doing, done, field] = row;
  const given = input[field];
  const whole = typeof given === 'string' ? given : '';
  const subject = FILES.has(tool) ? whole.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '') : whole;
  return {
    ...{ icon, doing, done, code: CODE.has(tool) },
    subject: oneLine(subject, 120),
    tooltip: oneLine(whole, 1000),
  };
}

/** Returns the path of the file that a tool call is about. */
export function pathOf({ file_path: file, notebook_path: notebook }: Input): string | undefined {
  const path = file ?? notebook;
  return typeof path === 'string' && path !== '' ? path : undefined;
}

/** Whether a tool call's edit can be seen in a diff editor. */
export function hasDiff(tool: string): boolean {
  return tool === 'Edit' || tool === 'Write';
}
