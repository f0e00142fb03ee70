/** The commands of the server, as docs/protocol.md has them. */
import type { AskArgument, Finding, ReviewArgument } from './code';
import type {
  AccountLimit,
  Capabilities,
  ContextUsage,
  Imported,
  McpServer,
  Searched,
  SessionListArgument,
  Task,
  Waiting,
} from './control';
import type { Message, QueryArgument, Question, Run, Session, Status, Uri } from './protocol';
import type { ReviewList, ReviewUndone } from './review';
import type { Page, Part, Rewind, RewindAnswer } from './rewind';

/** The argument of each, and its answer. */
export interface Commands {
  'claudeAgent.query': [QueryArgument, Run];
  'claudeAgent.ask': [AskArgument, Run];
  'claudeAgent.review.run': [ReviewArgument, { run: Run; findings: Finding[] }];
  'claudeAgent.review.dismiss': [{ findingId: string }, { dismissed: boolean }];
  'claudeAgent.commitMessage': [
    {
      workspace?: Uri;
      instructions?: string;
      session?: string;
      model?: string;
      partialResultToken?: string | number;
    },
    { message: string },
  ];
  'claudeAgent.cancel': [{ runId?: string; sessionId?: string }, { cancelled: string[] }];
  'claudeAgent.queue.list': [{ sessionId?: string }, { queue: Waiting[] }];
  'claudeAgent.queue.edit': [{ sessionId?: string; runId: string; prompt: string }, Waiting];
  'claudeAgent.queue.remove': [{ sessionId?: string; runId: string }, { removed: boolean }];
  'claudeAgent.queue.sendNow': [{ sessionId?: string; runId?: string }, { queue: Waiting[] }];
  'claudeAgent.task.list': [{ sessionId?: string }, { tasks: Task[] }];
  'claudeAgent.task.output': [
    { taskId: string; sessionId?: string; cursor?: string; fromEnd?: boolean; limit?: number },
    { task: Task; text: string; offset: number; nextCursor?: string | null },
  ];
  'claudeAgent.task.stop': [{ taskId: string; sessionId?: string }, { task: Task }];
  'claudeAgent.context': [{ workspace?: Uri; sessionId?: string }, ContextUsage];
  'claudeAgent.limits': [object, { limits: AccountLimit[] }];
  'claudeAgent.mcp.list': [{ workspace?: Uri }, { servers: McpServer[] }];
  'claudeAgent.mcp.toggle': [{ workspace?: Uri; name: string; enabled: boolean }, McpServer];
  'claudeAgent.mcp.reconnect': [{ workspace?: Uri; name: string }, McpServer];
  'claudeAgent.capabilities': [{ workspace?: Uri }, Capabilities];
  'claudeAgent.mode': [{ sessionId: string; permissionMode: string }, unknown];
  'claudeAgent.question.list': [object, { questions: Question[] }];
  'claudeAgent.question.answer': [
    { questionId?: string; answer: string | readonly string[]; note?: string; edits?: string },
    { answered: boolean },
  ];
  'claudeAgent.session.list': [
    SessionListArgument,
    { sessions: Session[]; nextCursor?: string | null; searched?: Searched | null },
  ];
  'claudeAgent.session.read': [
    { sessionId: string; limit?: number; cursor?: string; subagentText?: boolean },
    Page & { session: Session; messages: Message[] },
  ];
  'claudeAgent.session.result': [
    { sessionId: string; toolCallId: string; cursor?: string; limit?: number },
    { text: string; offset: number; length: number; nextCursor?: string | null },
  ];
  'claudeAgent.session.select': [{ workspace?: Uri; sessionId: string }, Session | null];
  'claudeAgent.session.rename': [{ sessionId: string; title: string }, Session];
  'claudeAgent.session.tag': [{ sessionId: string; tag?: string | null }, Session];
  'claudeAgent.session.pin': [{ sessionId: string; pinned?: boolean }, Session];
  'claudeAgent.session.archive': [{ sessionId: string; archived?: boolean }, Session];
  'claudeAgent.session.fork': [{ sessionId: string; at?: string; title?: string }, Session];
  'claudeAgent.session.delete': [{ sessionId: string }, { deleted: boolean }];
  'claudeAgent.session.export': [
    { sessionId: string; format: 'markdown' | 'jsonl' | 'html'; uri?: Uri },
    { uri?: Uri; text?: string },
  ];
  'claudeAgent.session.import': [{ workspace?: Uri; uri: Uri }, { files: Imported[] }];
  'claudeAgent.session.show': [{ sessionId?: string }, { uri: Uri; shown: boolean }];
  'claudeAgent.session.open': [
    { session?: string; workspace?: Uri },
    { sessionId: string; uri: Uri; shown: boolean },
  ];
  'claudeAgent.prompt.send': [{ uri: Uri }, Run];
  'claudeAgent.prompt.update': [{ uri: Uri }, { updated: boolean }];
  'claudeAgent.prompt.fork': [
    { uri: Uri; line: number },
    { sessionId: string; uri: Uri; shown: boolean },
  ];
  'claudeAgent.prompt.rewind': [
    { uri: Uri; line: number },
    { rewound: boolean; sessionId?: string; uri?: Uri; shown?: boolean },
  ];
  'claudeAgent.session.follow': [
    { sessionId: string },
    { session: Session; run?: Run | null; firstMessageId?: string | null },
  ];
  'claudeAgent.session.unfollow': [{ sessionId: string }, { followed: boolean }];
  'claudeAgent.session.takeOver': [{ sessionId: string; endBackground?: boolean }, Session];
  'claudeAgent.session.rewind': [
    {
      sessionId: string;
      messageId: string;
      what?: Part;
      dryRun?: boolean;
      preview?: boolean;
      keepConflicts?: boolean;
    },
    RewindAnswer,
  ];
  'claudeAgent.session.redo': [
    { sessionId: string; preview?: boolean; keepConflicts?: boolean },
    Rewind,
  ];
  'claudeAgent.review.list': [
    { workspace?: Uri; sessionId?: string; runId?: string; messageId?: string; uri?: Uri },
    ReviewList,
  ];
  'claudeAgent.review.show': [
    { workspace?: Uri; sessionId?: string; runId?: string; messageId?: string; uri?: Uri },
    { sessionId?: string; uri?: Uri; shown: boolean },
  ];
  'claudeAgent.review.keep': [
    { workspace?: Uri; sessionId?: string; runId?: string; messageId?: string; uri?: Uri; hunkIds?: string[] },
    ReviewList,
  ];
  'claudeAgent.review.undo': [
    { workspace?: Uri; sessionId?: string; runId?: string; messageId?: string; uri?: Uri; hunkIds?: string[]; preview?: boolean },
    ReviewUndone,
  ];
  'claudeAgent.review.redo': [
    { sessionId?: string; workspace?: Uri; undoId?: string; preview?: boolean },
    Rewind,
  ];
  'claudeAgent.status': [object, Status];
  'claudeAgent.trust': [{ workspace?: Uri; trusted: boolean }, unknown];
}
