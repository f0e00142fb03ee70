/** Reviews of code, and messages of commits: runs that are in no conversation. */
import * as vscode from 'vscode';
import type { ReviewArgument } from '../shared/code';
import type { Commands } from '../shared/commands';
import { asQueryContext, contextOf } from './context/selection';
import { folderOf } from './folders';
import type { WindowServices } from './windowServices';

type Subject = NonNullable<ReviewArgument['subject']>;
interface SubjectItem extends vscode.QuickPickItem {
  readonly subject: Subject;
}

const PROBLEMS = 'workbench.actions.view.problems';
/** As much of VS Code's own extension for git as is used: an input box of each repository. */
interface Git {
  getAPI(version: 1): {
    readonly repositories: readonly {
      readonly rootUri: vscode.Uri;
      readonly inputBox: { value: string };
    }[];
  };
}

/** Has the user say what is reviewed; what is found is shown as diagnostics. */
export async function review(services: WindowServices): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const context = contextOf(editor);
  const items: SubjectItem[] = [
    { label: 'What is not committed', subject: 'changes' },
    { label: 'What the branch changes', subject: 'branch' },
    ...(context === undefined ? [] : [{ label: 'This file', subject: 'file' } as const]),
    ...(context?.range === undefined ? [] : [{ label: 'The selection', subject: 'selection' } as const]),
  ];
  const chosen = await vscode.window.showQuickPick(items, { title: 'Review' });
  const folder = folderOf(editor?.document.uri);
  if (chosen === undefined || folder === undefined) {
    return;
  }
  const about = chosen.subject === 'file' || chosen.subject === 'selection' ? context : undefined;
  const answer = await working(services, 'Claude reviews', 'claudeAgent.review.run', {
    subject: chosen.subject,
    workspace: folder.uri.toString(),
    wait: true,
    ...(about !== undefined && { context: asQueryContext(about) }),
  });
  const { length } = answer.findings;
  if (length > 0) {
    await vscode.commands.executeCommand(PROBLEMS);
  }
  const told = length === 0 ? 'nothing was found' : `${length} finding${length > 1 ? 's' : ''}`;
  void vscode.window.showInformationMessage(`Claude's review: ${told}.`);
}

/** Writes the message of a commit into the repository's input box, else to the clipboard. */
export async function writeCommitMessage(services: WindowServices): Promise<void> {
  const folder = folderOf(vscode.window.activeTextEditor?.document.uri);
  if (folder === undefined) {
    return;
  }
  const workspace = folder.uri.toString();
  const { message } = await working(services, 'Claude writes the message', 'claudeAgent.commitMessage', {
    workspace,
  });
  const git = await vscode.extensions.getExtension<Git>('vscode.git')?.activate();
  const repository = git
    ?.getAPI(1)
    .repositories.find(({ rootUri }) => folder.uri.fsPath.startsWith(rootUri.fsPath));
  if (repository !== undefined) {
    repository.inputBox.value = message;
    return;
  }
  await vscode.env.clipboard.writeText(message);
  void vscode.window.showInformationMessage('The message of the commit is in the clipboard.');
}

async function working<Name extends keyof Commands>(
  { server }: WindowServices,
  title: string,
  command: Name,
  argument: Commands[Name][0],
): Promise<Commands[Name][1]> {
  const location = vscode.ProgressLocation.Notification;
  return vscode.window.withProgress({ location, title, cancellable: true }, async (_, token) =>
    server.execute(command, argument, token),
  );
}
