/** All conversations of this window: those that are shown, and those that go on unseen. */
import * as vscode from 'vscode';
import { RequestFailure } from '../server/failure';
import type { Server } from '../server/server';
import type { Choices } from './choices';
import { Conversation } from './conversation';
import type { Step } from './steps';

/** A step of one of the conversations. */
export interface TakenStep {
  readonly conversation: Conversation;
  readonly step: Step;
}

interface Kept {
  readonly listening: vscode.Disposable;
  /** How many views show it; undefined until the first does. */
  views: number | undefined;
}

export class Conversations implements vscode.Disposable {
  private readonly known = new Map<Conversation, Kept>();
  private readonly opening = new Map<string, Promise<Conversation>>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly stepped = new vscode.EventEmitter<TakenStep>();

  /** One of them, or their number, has changed. */
  readonly onDidChange = this.changed.event;
  readonly onDidStep = this.stepped.event;

  private readonly beginning: vscode.Disposable;

  constructor(
    private readonly server: Server,
    private readonly choices: Choices,
  ) {
    this.beginning = vscode.Disposable.from(
      server.onDidBegin((own) => void this.find(own.run.sessionId)?.follow(own)),
      server.onDidChangeState((state) => {
        if (state !== 'running') {
          this.known.forEach((_, each) => each.watch.lost());
        }
      }),
      server.onDidQueue(({ sessionId, queue }) => this.find(sessionId)?.queue.take(sessionId, queue)),
    );
  }

  /** Those with a run at work in this window. */
  get running(): readonly Conversation[] {
    return [...this.known.keys()].filter((each) => each.running && each.watch.heldBy === undefined);
  }

  /** The conversation of a session, if it is shown or at work here. */
  find(sessionId: string): Conversation | undefined {
    return [...this.known.keys()].find((each) => each.sessionId === sessionId);
  }

  /** Begins a conversation without a session. */
  create(folder: vscode.WorkspaceFolder): Conversation {
    const conversation = new Conversation(this.server, folder, this.choices);
    this.keep(conversation);
    this.changed.fire();
    return conversation;
  }

  /**
   * Returns the conversation of a session, read from the server as far as it isn't here.
   *
   * @throws RequestFailure There is no such session.
   */
  async open(sessionId: string, folder: vscode.WorkspaceFolder): Promise<Conversation> {
    const here = this.find(sessionId);
    if (here !== undefined) {
      await here.renew();
      return here;
    }
    let opening = this.opening.get(sessionId);
    if (opening === undefined) {
      opening = this.read(sessionId, folder).finally(() => this.opening.delete(sessionId));
      this.opening.set(sessionId, opening);
    }
    return opening;
  }

  /**
   * Returns the conversation of a session that was shown before, also if it can't be read now: it
   * must not be forgotten because a server is missing. Of one that was deleted nothing is left; one
   * that nothing has been said in yet, because the one before it was cleared, begins under its id.
   */
  async recall(sessionId: string, folder: vscode.WorkspaceFolder): Promise<Conversation> {
    try {
      const shown = await this.open(sessionId, folder);
      // It may have been cleared right before the window closed: then the user is in the next one.
      const next = shown.messages.at(-1)?.run?.nextSessionId;
      return next == null ? shown : await this.recall(next, folder);
    } catch (error) {
      const another = this.find(sessionId);
      if (another !== undefined) {
        return another;
      }
      const conversation = this.create(folder);
      if (!(error instanceof RequestFailure && error.reason === 'sessionNotFound')) {
        conversation.await(sessionId, error);
      } else if ((await this.currentOf(folder).catch(() => null)) === sessionId) {
        conversation.beginAs(sessionId);
      }
      return conversation;
    }
  }

  /** Returns the session that a folder's next query goes on with, in whichever editor; null if none. */
  async currentOf(folder: vscode.WorkspaceFolder): Promise<string | null> {
    const { folders } = await this.server.execute('claudeAgent.status', {});
    const uri = folder.uri.toString();
    return folders.find((each) => each.uri === uri)?.currentSession ?? null;
  }

  /** A view shows a conversation from now on. */
  show(conversation: Conversation): void {
    const kept = this.keep(conversation);
    kept.views = (kept.views ?? 0) + 1;
  }

  /** A view shows it no more; one that no other shows is kept until its run has ended. */
  release(conversation: Conversation): void {
    const kept = this.known.get(conversation);
    if (kept !== undefined) {
      kept.views = (kept.views ?? 1) - 1;
      this.tidy(conversation);
    }
  }

  /** Forgets a conversation whose session is gone. */
  forget(conversation: Conversation): void {
    this.known.get(conversation)?.listening.dispose();
    conversation.dispose();
    this.known.delete(conversation);
    this.changed.fire();
  }

  dispose(): void {
    this.beginning.dispose();
    for (const { listening } of this.known.values()) {
      listening.dispose();
    }
    this.known.clear();
  }

  private async read(sessionId: string, folder: vscode.WorkspaceFolder): Promise<Conversation> {
    const conversation = this.create(folder);
    try {
      await conversation.open(sessionId);
    } catch (error) {
      this.forget(conversation);
      throw error;
    }
    return conversation;
  }

  /** Also one whose run has ended, and that was forgotten, on its way to a view. */
  private keep(conversation: Conversation): Kept {
    let kept = this.known.get(conversation);
    if (kept === undefined) {
      const listening = vscode.Disposable.from(
        conversation.onDidChange(() => {
          this.changed.fire();
          this.tidy(conversation);
        }),
        conversation.onDidStep((step) => this.stepped.fire({ conversation, step })),
      );
      kept = { listening, views: undefined };
      this.known.set(conversation, kept);
    }
    return kept;
  }

  private tidy(conversation: Conversation): void {
    if (this.known.get(conversation)?.views === 0 && !conversation.busy) {
      this.forget(conversation);
    }
  }
}
