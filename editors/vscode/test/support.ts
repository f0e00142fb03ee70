/** What the tests share: the extension as VS Code has activated it, and patience. */
import * as assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Activated } from '../src/extension';
import { ServerFailure } from '../src/server/failure';

const SECONDS = 45; // only catches hangs

export function extension(): vscode.Extension<Activated> {
  const found = vscode.extensions.getExtension<Activated>('claude-agent-lsp.claude-agent');
  assert.ok(found);
  return found;
}

export async function activated(): Promise<Activated> {
  return extension().activate();
}

export function folder(): vscode.WorkspaceFolder {
  const [first] = vscode.workspace.workspaceFolders ?? [];
  assert.ok(first);
  return first;
}

/** Waits until a look finds something. */
export async function eventually<Found>(
  look: () => Found | undefined | false | null | Promise<Found | undefined | false | null>,
  wanted = look.toString(),
): Promise<Found> {
  const until = Date.now() + SECONDS * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== null) {
      return found;
    }
    assert.ok(Date.now() < until, `it did not come: ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

type Asking =
  | 'showInputBox'
  | 'showQuickPick'
  | 'showErrorMessage'
  | 'showWarningMessage'
  | 'showInformationMessage'
  | 'showSaveDialog'
  | 'showOpenDialog';

/** What was shown to the user: a message or title, and the buttons. */
export type Shown = readonly unknown[];

/**
 * Answers what VS Code would ask the user, while a test runs.
 *
 * @param answer Given what is shown, returns what the user chooses.
 * @returns All that was shown.
 */
export async function answering(
  name: Asking,
  answer: (...shown: never[]) => unknown,
  during: (shown: Shown[]) => Promise<void>,
): Promise<Shown[]> {
  const shown: Shown[] = [];
  const window = vscode.window as unknown as Record<string, unknown>;
  const real = window[name];
  window[name] = (...given: unknown[]): Promise<unknown> => {
    shown.push(given);
    return Promise.resolve(answer(...(given as never[])));
  };
  try {
    await during(shown);
  } finally {
    window[name] = real;
  }
  return shown;
}

/** Returns the failure of the server that something ends in. */
export async function failing(during: Promise<unknown>): Promise<ServerFailure> {
  const error: unknown = await during.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ServerFailure, String(error));
  return error;
}

/** Has something of VS Code's be another, while a test runs. */
export async function replacing<Part extends object>(
  part: Part,
  name: keyof Part,
  value: unknown,
  during: () => Promise<void>,
): Promise<void> {
  const real = Object.getOwnPropertyDescriptor(part, name);
  assert.ok(real);
  Object.defineProperty(part, name, { configurable: true, value });
  try {
    await during();
  } finally {
    Object.defineProperty(part, name, real);
  }
}

/** Writes a shell script that stands in for a program; returns its path. */
export async function executable(name: string, script: string): Promise<string> {
  const directory = path.join(os.homedir(), 'stand-ins');
  await mkdir(directory, { recursive: true });
  const file = path.join(directory, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

/** Executes a command of the extension. */
export async function command(name: string, ...args: unknown[]): Promise<unknown> {
  return vscode.commands.executeCommand(`claude-agent.${name}`, ...args);
}

/** The words of the agent in a conversation, since it was read. */
export function wordsOf(conversation: Activated['locations']['services']['conversations']['running'][0]): string {
  return conversation.steps
    .map((step) => (step.kind === 'event' && step.event.kind === 'text' ? step.event.text : ''))
    .join('');
}

/** Begins a conversation in the side bar. */
export async function freshConversation(): Promise<
  NonNullable<Activated['locations']['current']>['conversation']
> {
  const { locations } = await activated();
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  await command('newSession');
  const view = await locations.sideBar.reveal();
  return view.conversation;
}
