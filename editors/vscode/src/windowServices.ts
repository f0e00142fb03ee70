/** What all conversations of a window share. */
import * as vscode from 'vscode';
import type { CapabilityCache } from './capabilities';
import type { FileLists } from './context/files';
import type { ContextWatcher } from './context/selection';
import type { Documents } from './diffs';
import { NoFolder } from './folders';
import type { PromptHistory } from './history';
import { plain } from './plainText';
import type { Questions } from './questions';
import { ServerFailure } from './server/failure';
import type { Server } from './server/server';
import type { Conversations } from './conversation/conversations';

export class WindowServices {
  constructor(
    readonly server: Server,
    readonly conversations: Conversations,
    readonly questions: Questions,
    readonly context: ContextWatcher,
    readonly documents: Documents,
    readonly history: PromptHistory,
    readonly capabilities: CapabilityCache,
    readonly files: FileLists,
    readonly log: vscode.LogOutputChannel,
  ) {}

  /** Tells the user of an error; of a server that isn't there they have been told. */
  report(error: unknown): void {
    if (error instanceof NoFolder) {
      void error.tell();
      return;
    }
    this.log.error(error instanceof Error ? error : String(error));
    if (error instanceof ServerFailure) {
      return;
    }
    const { message, hint } = error as { message?: string; hint?: string };
    const told = [message ?? String(error), hint ?? ''].join(' ').trim();
    void vscode.window.showErrorMessage(plain(told, 500), 'Show Output').then((chosen) => {
      if (chosen !== undefined) {
        this.log.show(true);
      }
    });
  }
}
