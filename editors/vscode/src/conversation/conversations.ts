/** All conversations of this window: those that are shown, and those that go on unseen. */
import * as vscode from 'vscode';
import type { Server } from '../server/server';
import { Conversation, type Step } from './conversation';

/** A step of one of the conversations. */
export interface TakenStep {
  readonly conversation: Conversation;
  readonly step: Step;
}

export class Conversations implements vscode.Disposable {
  private readonly known = new Map<Conversation, vscode.Disposable>();
  private readonly unseen = new Set<Conversation>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly stepped = new vscode.EventEmitter<TakenStep>();

  /** One of them, or their number, has changed. */
  readonly onDidChange = this.changed.event;
  readonly onDidStep = this.stepped.event;

  constructor(private readonly server: Server) {}

  get running(): readonly Conversation[] {
    return [...this.known.keys()].filter((each) => each.running);
  }

  /** The conversation of a session, if it is shown or at work here. */
  find(sessionId: string): Conversation | undefined {
    return [...this.known.keys()].find((each) => each.sessionId === sessionId);
  }

  /** Begins a conversation without a session. */
  create(folder: vscode.WorkspaceFolder): Conversation {
    const conversation = new Conversation(this.server, folder);
    this.known.set(
      conversation,
      vscode.Disposable.from(
        conversation.onDidChange(() => {
          this.changed.fire();
          this.tidy(conversation);
        }),
        conversation.onDidStep((step) => this.stepped.fire({ conversation, step })),
      ),
    );
    this.changed.fire();
    return conversation;
  }

  /** Returns the conversation of a session, read from the server if it isn't here. */
  async open(sessionId: string, folder: vscode.WorkspaceFolder): Promise<Conversation> {
    const here = this.find(sessionId);
    if (here !== undefined) {
      this.unseen.delete(here);
      return here;
    }
    const conversation = this.create(folder);
    try {
      await conversation.open(sessionId);
    } catch (error) {
      this.forget(conversation);
      throw error;
    }
    return conversation;
  }

  /** A conversation is shown no more; one that is at work is kept until it has ended. */
  release(conversation: Conversation): void {
    this.unseen.add(conversation);
    this.tidy(conversation);
  }

  /** Forgets a conversation whose session is gone. */
  forget(conversation: Conversation): void {
    this.known.get(conversation)?.dispose();
    this.known.delete(conversation);
    this.unseen.delete(conversation);
    this.changed.fire();
  }

  dispose(): void {
    for (const listening of this.known.values()) {
      listening.dispose();
    }
    this.known.clear();
  }

  private tidy(conversation: Conversation): void {
    if (this.unseen.has(conversation) && !conversation.running) {
      this.forget(conversation);
    }
  }
}
