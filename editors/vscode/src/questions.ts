/** Questions of the agent: a card where its conversation is seen, a notification where it isn't. */
import { setTimeout } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Question } from '../shared/protocol';
import type { Conversations } from './conversation/conversations';
import type { Server } from './server/server';

/** The server takes no answer for half a second; the rest is for the way there. */
const SEEN_MS = 700;

export class Questions implements vscode.Disposable {
  private readonly open = new Map<string, Question>();
  /** A list that was on its way when one of them was settled still has it. */
  private readonly over = new Set<string>();
  /** When each of the open ones came. */
  private readonly seen = new Map<string, number>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly listening: vscode.Disposable;

  readonly onDidChange = this.changed.event;

  constructor(
    private readonly server: Server,
    conversations: Conversations,
  ) {
    this.listening = vscode.Disposable.from(
      server.onDidAsk(() => {
        this.look().catch(() => undefined); // a server that is gone has no questions
      }),
      server.onDidChangeState((state) => {
        if (state !== 'running') {
          this.over.clear();
          if (this.open.size > 0) {
            this.replace([]);
          }
        }
      }),
      conversations.onDidStep(({ step }) => {
        if (step.kind === 'event' && step.event.kind === 'question') {
          this.replace([...this.open.values(), step.event.question]);
        } else if (step.kind === 'event' && step.event.kind === 'questionAnswered') {
          this.settled(step.event.questionId);
        }
      }),
    );
  }

  /** All that wait, the one that is open first. */
  get all(): readonly Question[] {
    return [...this.open.values()];
  }

  of(sessionId: string | undefined): readonly Question[] {
    return this.all.filter((question) => question.sessionId === sessionId);
  }

  /**
   * Answers.
   *
   * @param note What is told to the agent with the answer.
   * @returns Whether the answer was the first.
   */
  async answer(
    questionId: string,
    answer: string | readonly string[],
    note?: string,
  ): Promise<boolean> {
    await setTimeout(this.left(questionId));
    const { answered } = await this.server.execute('claudeAgent.question.answer', {
      questionId,
      answer,
      ...(note !== undefined && note !== '' && { note }),
    });
    this.settled(questionId);
    return answered;
  }

  dispose(): void {
    this.listening.dispose();
    this.changed.dispose();
  }

  /** Returns for how many milliseconds more a question takes no answer: it has only just come. */
  private left(questionId: string): number {
    const since = this.seen.get(questionId) ?? Date.now();
    return Math.max(0, since + SEEN_MS - Date.now());
  }

  /** A question's deadline counts from when it is opened: only the server knows it. */
  private async look(): Promise<void> {
    const { questions } = await this.server.execute('claudeAgent.question.list', {});
    // What others ask is told with their runs, as long as they are watched.
    const watched = this.all.filter(({ heldBy }) => heldBy != null);
    this.replace([...questions.filter(({ heldBy }) => heldBy == null), ...watched]);
  }

  private replace(questions: readonly Question[]): void {
    this.open.clear();
    for (const question of questions) {
      if (!this.over.has(question.questionId)) {
        this.open.set(question.questionId, question);
        if (!this.seen.has(question.questionId)) {
          this.seen.set(question.questionId, Date.now());
        }
      }
    }
    this.changed.fire();
  }

  private settled(questionId: string): void {
    this.over.add(questionId);
    this.seen.delete(questionId);
    if (this.open.delete(questionId)) {
      this.changed.fire();
    }
  }
}
