/** What host and view tell each other: one JSON object a message, told apart by `type`. */
import type { Model, SlashCommand, Waiting } from './control';
import type { Message, Question, RunEvent } from './protocol';

/** A file, lines or diagnostics that go with the next prompt; shown before sending, removable. */
export interface ContextItem {
  /** Stands for it in `send` and `removeContext`. */
  readonly id: string;
  readonly kind: 'file' | 'selection' | 'diagnostics' | 'attachment';
  /** "src/a.py:3-5", "2 problems", "picture.png". */
  readonly label: string;
  readonly tooltip: string;
}

/** An entry of the session; a prompt with the labels of what went with it. */
export interface ShownMessage extends Message {
  readonly labels?: readonly string[];
}

/** What is said since the messages were read. */
export type Step =
  | { readonly kind: 'prompt'; readonly prompt: string; readonly context: readonly string[] }
  | { readonly kind: 'event'; readonly event: RunEvent }
  | { readonly kind: 'failure'; readonly message: string; readonly hint: string | undefined };

/** A prompt that waits for the run at work. */
export interface QueuedPrompt {
  readonly runId: string;
  readonly prompt: string;
  readonly state: Waiting['state'];
}

/** How a prompt is sent while a run is at work: behind it, into its turn, or in its place. */
export type SendHow = 'queue' | 'steer' | 'stop';

/** What stands around the conversation. */
export interface State {
  readonly title: string;
  readonly sessionId: string | undefined;
  /** The folder's name where several are open, else empty. */
  readonly folder: string;
  /** What a tab remembers, with the session. */
  readonly folderUri: string;
  readonly running: boolean;
  /** The editor in which the run is at work, if that is another one. */
  readonly heldBy: string | undefined;
  /** What the run does, in a short line; empty if it does nothing. */
  readonly line: string;
  /** What waits for its session, in its order. */
  readonly queue: readonly QueuedPrompt[];
  /** Whether the window is trusted, so that the agent may be asked. */
  readonly trusted: boolean;
  readonly model: string | undefined;
  readonly effort: string | undefined;
  readonly mode: string;
}

/** From the host. */
export type ToView =
  /** All there is to show, in place of what was shown; the answer to `ready`. */
  | {
      readonly type: 'conversation';
      readonly messages: readonly ShownMessage[];
      readonly steps: readonly Step[];
      readonly state: State;
      /** Prompts of this folder, the newest last, for the arrow keys. */
      readonly history: readonly string[];
    }
  | { readonly type: 'steps'; readonly steps: readonly Step[] }
  | { readonly type: 'state'; readonly state: State }
  | { readonly type: 'questions'; readonly questions: readonly ShownQuestion[] }
  | { readonly type: 'context'; readonly items: readonly ContextItem[] }
  | {
      readonly type: 'capabilities';
      readonly models: readonly Model[];
      readonly efforts: readonly string[];
      readonly modes: readonly string[];
      readonly commands: readonly SlashCommand[];
    }
  /** Answers `completeFiles`. */
  | { readonly type: 'files'; readonly query: string; readonly files: readonly string[] }
  /** Puts the cursor into the prompt; `text` replaces what is there unless it is undefined. */
  | { readonly type: 'focusPrompt'; readonly text: string | undefined }
  | { readonly type: 'focusQuestion'; readonly questionId: string };

/** A question with what can be looked at before it is answered. */
export interface ShownQuestion extends Question {
  readonly hasDiff: boolean;
  readonly hasPlan: boolean;
}

/** From the view. */
export type ToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'send'; readonly prompt: string; readonly how: SendHow }
  | { readonly type: 'queueEdit'; readonly runId: string; readonly prompt: string }
  | { readonly type: 'queueRemove'; readonly runId: string }
  | { readonly type: 'queueSend'; readonly runId: string }
  /** Sends once more what was sent last, with all that went with it. */
  | { readonly type: 'again' }
  | { readonly type: 'stop' }
  /** Stops the run in the editor in which it is at work. */
  | { readonly type: 'takeOver' }
  | { readonly type: 'newSession' }
  | { readonly type: 'resume' }
  | {
      readonly type: 'answer';
      readonly questionId: string;
      /** The value of an option, values of several, or words of the user's own. */
      readonly answer: string | readonly string[];
      readonly note?: string | undefined;
    }
  | { readonly type: 'showQuestion'; readonly questionId: string; readonly what: 'diff' | 'plan' }
  /** Shows a tool call's edit in the diff editor. */
  | { readonly type: 'openDiff'; readonly toolCallId: string }
  /** A link of the answer: a file with a line, or an address on the web. */
  | { readonly type: 'openLink'; readonly href: string }
  | { readonly type: 'openFile'; readonly uri: string; readonly line: number | undefined }
  | { readonly type: 'copy'; readonly text: string }
  | { readonly type: 'insert'; readonly text: string }
  | { readonly type: 'removeContext'; readonly id: string }
  | { readonly type: 'attach'; readonly uris: readonly string[] }
  | { readonly type: 'attachDialog' }
  /** A picture that is no file yet; `kind` is its media type. */
  | { readonly type: 'attachImage'; readonly name: string; readonly kind: string; readonly base64: string }
  | { readonly type: 'completeFiles'; readonly query: string }
  /** Wants `capabilities`: models are to be chosen, or a command completed. */
  | { readonly type: 'wantCapabilities' }
  | {
      readonly type: 'choose';
      readonly model?: string | null;
      readonly effort?: string | null;
      readonly mode?: string;
    }
  | { readonly type: 'manageTrust' }
  /** Something went wrong in the view. */
  | { readonly type: 'log'; readonly text: string };
