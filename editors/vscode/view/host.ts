/** The way to the extension host. */
import type { ToHost, ToView } from '../shared/messages';

/** What comes back with the window. */
export interface Remembered {
  readonly sessionId: string | undefined;
  readonly folderUri: string;
  /** The prompt that has not been sent. */
  readonly draft: string;
  /** Those of other conversations, by what tells them apart. */
  readonly drafts: Readonly<Record<string, string>>;
}
interface VsCode {
  postMessage(message: ToHost): void;
  setState(state: Remembered): void;
  getState(): Remembered | undefined;
}
declare function acquireVsCodeApi(): VsCode;

const vscode = acquireVsCodeApi();
let kept: Remembered = { sessionId: undefined, folderUri: '', draft: '', drafts: {}, ...vscode.getState() };

export function post(message: ToHost): void {
  vscode.postMessage(message);
}

/** Keeps what is needed to show the same conversation when the window comes back. */
export function remember(state: Partial<Remembered>): void {
  kept = { ...kept, ...state };
  vscode.setState(kept);
}

export function remembered(): Remembered {
  return kept;
}

export function listen(receive: (message: ToView) => void): void {
  window.addEventListener('message', ({ data }: MessageEvent<ToView>) => receive(data));
}
