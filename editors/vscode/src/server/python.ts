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

/** What may be a Python on the PATH: the user's own first, then those with their version in their name. */
const NAMES = ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11'] as const;
/** What says where a Python is: Windows' launcher, and uv of those that it has installed. */
const FINDERS = [
  ['py', '-3', '-c', 'import sys; print(sys.executable)'],
  ['uv', 'python', 'find', '--no-project', '--system', '--no-python-downloads', `>=${OLDEST.join('.')}`],
] as const;

/**
 * Finds a Python that is new enough: the setting's, else the Python extension's in a trusted
 * workspace, else one on the PATH, by Windows' launcher, or by uv.
 *
 * @param configured The setting `claudeAgent.server.python`.
 * @param own One that this extension has installed.
 * @returns The interpreter's path, or the name by which the PATH has it.
 * @throws ServerFailure There is none, or none that is new enough.
 */
export async function findPython(configured: string | undefined, own?: string): Promise<string> {
  const old: string[] = [];
  for await (const candidate of configured === undefined ? candidates(own) : [configured]) {
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

async function* candidates(own: string | undefined): AsyncGenerator<string> {
  const selected = await selectedInPythonExtension();
  yield* [selected, ...NAMES, own].filter((each) => each !== undefined);
  for (const [program, ...args] of FINDERS) {
    const found = await runProgram(program, ...args);
    if (found !== undefined && found !== '') {
      yield found;
    }
  }
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
