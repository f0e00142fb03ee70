/** The private environment that the server is installed in, where the user has none. */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { ServerFailure } from './failure';
import { findPython } from './python';

const run = promisify(execFile);

const EXECUTABLE =
  process.platform === 'win32'
    ? path.join('Scripts', 'claude-agent-lsp.exe')
    : path.join('bin', 'claude-agent-lsp');
const PYTHON =
  process.platform === 'win32' ? path.join('Scripts', 'python.exe') : path.join('bin', 'python');
const READY = 'ready';

/** Where things are, and how to speak of them. */
export interface Installation {
  /** The directory in the extension that has the wheel. */
  readonly wheels: string;
  /** Where environments may be made; it outlives the extension's versions. */
  readonly storage: string;
  readonly log: vscode.LogOutputChannel;
}

/**
 * Returns the server's executable in the private environment, which is made if it isn't there
 * for exactly this wheel.
 *
 * @param configured The setting `claudeAgent.server.python`.
 * @throws ServerFailure There is no Python for it, or the installation failed.
 */
export async function installedServer(
  { wheels, storage, log }: Installation,
  configured: string | undefined,
): Promise<string> {
  const wheel = await wheelIn(wheels);
  const digest = createHash('sha256').update(await readFile(wheel)).digest('hex').slice(0, 12);
  const environment = path.join(storage, `server-${digest}`);
  const executable = path.join(environment, EXECUTABLE);
  if (await exists(path.join(environment, READY))) {
    return executable;
  }
  const python = await findPython(configured);
  await mkdir(storage, { recursive: true });
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Claude Agent' },
    async (progress) => {
      progress.report({ message: 'installing its server, once…' });
      await rm(environment, { recursive: true, force: true });
      try {
        log.info(`Making a Python environment with ${python} in ${environment}`);
        await run(python, ['-m', 'venv', environment]);
        const { stdout } = await run(
          path.join(environment, PYTHON),
          ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', wheel],
          { maxBuffer: 64 * 1024 * 1024 },
        );
        log.info(stdout);
        await writeFile(path.join(environment, READY), '');
      } catch (error) {
        log.error(String(error));
        throw new ServerFailure(
          'installationFailed',
          `The server of Claude Agent could not be installed with ${python}: ${lastLine(error)}`,
          ['tryAgain', 'showOutput', 'choosePython'],
        );
      }
    },
  );
  await removeOthers(storage, path.basename(environment));
  return executable;
}

async function wheelIn(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => []);
  const name = names.find((each) => each.endsWith('.whl'));
  if (name === undefined) {
    throw new ServerFailure(
      'executableMissing',
      'There is no claude-agent-lsp on your PATH, and this build of the extension brings none.',
      ['openSettings'],
    );
  }
  return path.join(directory, name);
}

/** Other versions' environments go; one that a running window still uses goes with the next. */
async function removeOthers(storage: string, current: string): Promise<void> {
  for (const name of await readdir(storage)) {
    if (name.startsWith('server-') && name !== current) {
      const old = path.join(storage, name);
      const gone = path.join(storage, `gone-${name}`);
      await rename(old, gone)
        .then(() => rm(gone, { recursive: true, force: true }))
        .catch(() => undefined);
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function lastLine(error: unknown): string {
  const stderr = (error as { stderr?: unknown }).stderr;
  const said = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(error);
  return said.trim().split('\n').at(-1) ?? '';
}
