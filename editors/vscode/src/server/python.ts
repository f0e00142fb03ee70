/** A Python that can run the server. */
import * as vscode from 'vscode';
import { runProgram } from './runProgram';
import { ServerFailure } from './failure';

export const OLDEST: readonly [number, number] = [3, 11];
const TELL_VERSION = 'import sys; print("%d.%d" % sys.version_info[:2])';

/** What the Python extension's interface offers, as far as it is used here. */
interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(path: {
      readonly path: string;
    }): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

/**
 * Finds a Python that is new enough: the setting's, else the Python extension's in a trusted
 * workspace, else `python3` and `python` on the PATH.
 *
 * @param configured The setting `claudeAgent.server.python`.
 * @returns The interpreter's path, or the name by which the PATH has it.
 * @throws ServerFailure There is none, or none that is new enough.
 */
export async function findPython(configured: string | undefined): Promise<string> {
  const candidates =
    configured !== undefined
      ? [configured]
      : [await selectedInPythonExtension(), 'python3', 'python'].filter((each) => each !== undefined);
  const old: string[] = [];
  for (const candidate of candidates) {
    const version = await runProgram(candidate, '-c', TELL_VERSION);
    if (version !== undefined && isNewEnough(version)) {
      return candidate;
    }
    if (version !== undefined) {
      old.push(`${candidate} is ${version}`);
    }
  }
  const needed = `Python ${OLDEST.join('.')} or newer`;
  if (old.length > 0) {
    throw new ServerFailure('pythonTooOld', `Claude Agent needs ${needed}; ${old.join(', ')}.`, [
      'choosePython',
      'installPython',
    ]);
  }
  const where = configured === undefined ? '' : ` ${configured} could not be run.`;
  throw new ServerFailure('pythonMissing', `Claude Agent needs ${needed}.${where}`, [
    configured === undefined ? 'installPython' : 'choosePython',
    'choosePython',
  ]);
}

async function selectedInPythonExtension(): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) {
    return undefined; // it may be a program that the folder brings along
  }
  const extension = vscode.extensions.getExtension<PythonExtension>('ms-python.python');
  if (extension === undefined) {
    return undefined;
  }
  try {
    const { environments } = await extension.activate();
    const active = environments?.getActiveEnvironmentPath(
      vscode.workspace.workspaceFolders?.[0]?.uri,
    );
    const resolved = active && (await environments?.resolveEnvironment(active));
    return resolved?.executable.uri?.fsPath;
  } catch {
    return undefined; // of another extension's troubles its own messages tell
  }
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
