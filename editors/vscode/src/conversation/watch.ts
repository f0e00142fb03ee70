/** A session that is shown is watched: what other editors on this machine do in it is told, too. */
import * as vscode from 'vscode';
import type { Message, Run } from '../../shared/protocol';
import { plain } from '../plainText';
import { RequestFailure } from '../server/failure';
import type { Server } from '../server/server';

const END = 'End It and Take Over';

export class Watch {
  private sessionId: string | undefined;
  /** The run that was at work when it began, and the entry that it begins with. */
  private found: { readonly run: Run; readonly first: string } | undefined;

  /** The editor in which its run is at work, if that is another one. */
  heldBy: string | undefined;

  constructor(private readonly server: Server) {}

  /** Watches a session, in place of the one before. */
  async begin(sessionId: string): Promise<void> {
    if (this.sessionId === sessionId || this.server.state !== 'running') {
      return;
    }
    this.end();
    this.sessionId = sessionId;
    try {
      const { run, firstMessageId: first } = await this.server.execute(
        'claudeAgent.session.follow',
        { sessionId },
      );
      this.found = run == null || first == null ? undefined : { run, first };
    } catch {
      this.lost(); // it is watched when it is looked at again
    }
  }

  /** The server is gone, and what it told. */
  lost(): void {
    this.sessionId = undefined;
    this.found = undefined;
  }

  end(): void {
    const { sessionId } = this;
    this.lost();
    if (sessionId !== undefined && this.server.state === 'running') {
      this.server.execute('claudeAgent.session.unfollow', { sessionId }).catch(() => undefined);
    }
  }

  /**
   * Takes note of a run that is at work in another editor.
   *
   * @returns What was said before it: the rest of what was read is told by its events.
   */
  take(run: Run, messages: readonly Message[]): readonly Message[] {
    this.heldBy = run.heldBy ?? undefined;
    const ended = messages.findLastIndex(({ kind }) => kind === 'outcome');
    const first = this.found?.run.runId === run.runId ? this.found.first : undefined;
    const at = messages.findIndex(
      ({ messageId, role, text }, index) =>
        messageId === first || (index > ended && role === 'user' && text === run.prompt),
    );
    return at < 0 ? messages : messages.slice(0, at);
  }

  /**
   * Has the run stopped where it is at work, so that the session goes on here; what runs in its
   * background ends only if the user says so.
   */
  async takeOver(): Promise<void> {
    const { sessionId } = this;
    if (sessionId === undefined || this.heldBy === undefined) {
      return;
    }
    try {
      await this.server.execute('claudeAgent.session.takeOver', { sessionId });
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.keptFor === undefined) {
        throw error;
      }
      const detail = 'It would end with the run.';
      const asked = { modal: true, detail };
      const chosen = await vscode.window.showWarningMessage(plain(error.message), asked, END);
      if (chosen === END) {
        await this.server.execute('claudeAgent.session.takeOver', { sessionId, endBackground: true });
      }
    }
  }
}
