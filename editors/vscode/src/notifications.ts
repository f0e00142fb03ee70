/** Questions as notifications, while the conversation that asks is not to be seen. */
import * as vscode from 'vscode';
import type { QuestionOption } from '../shared/control';
import type { Question } from '../shared/protocol';
import { plain } from './plainText';
import { notifiesOfQuestions } from './settings';
import type { Locations } from './locations';

const SHOW = 'Show';
const LONGEST = 240;

export class Notifications implements vscode.Disposable {
  private readonly told = new Set<string>();
  private readonly listening: vscode.Disposable;

  constructor(private readonly locations: Locations) {
    const look = (): void => this.look();
    this.listening = vscode.Disposable.from(
      locations.services.questions.onDidChange(look),
      locations.sideBar.onDidChangeVisibility(look),
      locations.tabs.onDidChangeVisibility(look),
    );
  }

  dispose(): void {
    this.listening.dispose();
  }

  private look(): void {
    const [question] = this.locations.services.questions.all;
    if (question === undefined || this.told.has(question.questionId) || !notifiesOfQuestions()) {
      return;
    }
    const conversation = this.locations.services.conversations.find(question.sessionId);
    if (conversation !== undefined && this.locations.visible(conversation)) {
      return;
    }
    this.told.add(question.questionId);
    this.tell(question, offeredFor(question)).catch((error: unknown) => this.locations.services.report(error));
  }

  private async tell(question: Question, offered: readonly QuestionOption[]): Promise<void> {
    const message = `${plain(question.title)} ${plain(inOneLine(question.detail), LONGEST)}`;
    const labels = offered.map(nameOf);
    const chosen = await vscode.window.showWarningMessage(message, ...labels, SHOW);
    if (chosen === SHOW) {
      await vscode.commands.executeCommand('claude-agent.answer', question.questionId);
      return;
    }
    const option = chosen === undefined ? undefined : offered[labels.indexOf(chosen)];
    if (option !== undefined) {
      const first = await this.locations.services.questions.answer(question.questionId, option.value);
      if (!first) {
        void vscode.window.showInformationMessage('This question is no longer open.');
      }
    }
  }
}

/**
 * Returns the answers that a notification has. Only what can be read whole may be allowed there: what
 * is longer, or has lines of its own, has to be looked at. One line of a command is a comment, the
 * next one is not.
 */
export function offeredFor(question: Question): readonly QuestionOption[] {
  const { action, detail, diff, document, kind, notes = [], options, reason } = question;
  const told = action == null ? [detail] : [action.command, action.path];
  const parts = [...told, diff, document, ...notes, reason];
  const oneLine = !parts.some((part) => part?.includes('\n') === true);
  const whole = inOneLine(detail).length <= LONGEST && (oneLine || kind === 'choice');
  return whole ? options : options.slice(0, 1);
}

/** Returns the name of an answer as a button has it: buttons show no code. */
export function nameOf({ label }: QuestionOption): string {
  return plain(label.replaceAll('`', ''), 60);
}

function inOneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' · ');
}
