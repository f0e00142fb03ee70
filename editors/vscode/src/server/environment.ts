/** The private environment that the server is installed in, where the user has none. */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { runProgram } from './runProgram';
import { ServerFailure } from './failure';
import { findPython } from './python';
import { withCrossWindowLock } from './crossWindowLock';
import { pythonIn } from './uv';

const run = promisify(execFile);

const EXECUTABLE =
  process.platform === 'win32'
    ? path.join('Scripts', 'claude-agent-lsp.exe')
    : path.join('bin', 'claude-agent-lsp');
const PYTHON =
  process.platform === 'win32' ? path.join('Scripts', 'python.exe') : path.join('bin', 'python');
/** The file of an environment that is whole; it is touched when a server is started. */
const READY = 'ready';
/** What the server needs, each package in the one version that was tested, with its hashes. */
const REQUIREMENTS = 'server.txt';
const DAY_MS = 24 * 60 * 60 * 1000;
const UNUSED_MS = 30 * DAY_MS;

/** Where things are, and how to speak of them. */
export interface Installation {
  /** The directory in the extension that has the wheel, and what it was tested with. */
  readonly wheels: string;
  /** Where environments may be made; it outlives the extension's versions. */
  readonly storage: string;
  readonly log: vscode.LogOutputChannel;
}

interface Wanted extends Installation {
  readonly wheel: string;
  readonly requirements: string;
  /** What the names of all environments with these begin with. */
  readonly name: string;
}

/**
 * Returns the server's executable in the private environment, which is made if it isn't there
 * for exactly this wheel and its requirements, or can't be started any more: its Python may have been removed or
 * upgraded. To try it takes a small part of the server's start.
 *
 * @param configured The setting `claudeAgent.server.python`.
 * @throws ServerFailure There is no Python for it, or the installation failed.
 */
export async function installedServer(
  installation: Installation,
  configured: string | undefined,
): Promise<string> {
  const wheel = await wheelIn(installation.wheels);
  const requirements = path.join(installation.wheels, REQUIREMENTS);
  const both = await Promise.all([wheel, requirements].map((file) => readFile(file)));
  const digest = createHash('sha256').update(Buffer.concat(both)).digest('hex').slice(0, 12);
  const wanted = { ...installation, wheel, requirements, name: `server-${digest}` };
  const executable = (await madeServer(wanted)) ?? (await madeUnderLock(wanted, configured));
  await removeUnused(wanted.storage);
  return executable;
}

async function madeUnderLock(wanted: Wanted, configured: string | undefined): Promise<string> {
  const { name, storage } = wanted;
  await mkdir(storage, { recursive: true });
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Claude Agent' },
    async (progress) => {
      const waiting = (): void => progress.report({ message: 'waiting for another window to install the server…' });
      return withCrossWindowLock(path.join(storage, `${name}.lock`), waiting, async () => {
        const another = await madeServer(wanted);
        if (another !== undefined) {
          return another;
        }
        progress.report({ message: 'installing the server (only needed once)…' });
        return makeServer(wanted, await findPython(configured, await pythonIn(storage)));
      });
    },
  );
}

/** Returns the executable of an environment that is whole and works, if there is one. */
async function madeServer({ storage, name, log }: Wanted): Promise<string | undefined> {
  for (const each of await readdir(storage).catch(() => [])) {
    const environment = path.join(storage, each);
    const ready = path.join(environment, READY);
    if (each.startsWith(name) && (await ageOf(ready)) !== undefined) {
      const executable = path.join(environment, EXECUTABLE);
      const version = await runProgram(executable, '--version');
      if (version !== undefined) {
        const now = new Date();
        await utimes(ready, now, now).catch(() => undefined);
        log.info(`The server is ${executable}, ${version}`);
        return executable;
      }
      log.warn(`${executable} can't be started any more`);
    }
  }
  return undefined;
}

/**
 * Makes an environment. It can't be moved when it is whole, since its scripts name its Python, and
 * has a directory that no other ever had: the pip of a window that was killed may still be writing.
 */
async function makeServer(
  { storage, name, wheel, requirements, log }: Wanted,
  python: string,
): Promise<string> {
  const environment = await mkdtemp(path.join(storage, `${name}-`));
  try {
    log.info(`Making a Python environment with ${python} in ${environment}`);
    await run(python, ['-m', 'venv', environment]);
    for (const what of [
      ['--require-hashes', '-r', requirements],
      ['--no-deps', '--no-index', wheel],
    ]) {
      const { stdout } = await run(
        path.join(environment, PYTHON),
        ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', ...what],
        { maxBuffer: 64 * 1024 * 1024 },
      );
      log.info(stdout);
    }
    const executable = path.join(environment, EXECUTABLE);
    await run(executable, ['--version']);
    await writeFile(path.join(environment, READY), '');
    return executable;
  } catch (error) {
    log.error(String(error));
    await rm(environment, { recursive: true, force: true }).catch(() => undefined);
    throw new ServerFailure(
      'installationFailed',
      `The Claude Agent server could not be installed with ${python}: ${lastLine(error)}`,
      ['tryAgain', 'showOutput', 'choosePython'],
    );
  }
}

async function wheelIn(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => []);
  const name = names.find((each) => each.endsWith('.whl'));
  if (name === undefined) {
    throw new ServerFailure(
      'executableMissing',
      'claude-agent-lsp is not on your PATH, and this build of the extension does not include it.',
      ['openSettings'],
    );
  }
  return path.join(directory, name);
}

/**
 * Removes what no window has started a server from for long: an update of the extension reaches a
 * window when it is loaded anew, and until then its server, which starts the CLI from there, goes
 * on. What was never ready is of a window that was killed.
 */
async function removeUnused(storage: string): Promise<void> {
  for (const name of await readdir(storage)) {
    if (name.startsWith('server-') && (await isUnused(path.join(storage, name)))) {
      // as a whole, or not at all: Windows moves none that is in use
      await rename(path.join(storage, name), path.join(storage, `gone-${name}`)).catch(() => undefined);
    }
  }
  for (const name of (await readdir(storage)).filter((each) => each.startsWith('gone-'))) {
    // no start waits for it
    void rm(path.join(storage, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isUnused(place: string): Promise<boolean> {
  const used = await ageOf(path.join(place, READY));
  return used === undefined ? ((await ageOf(place)) ?? 0) > DAY_MS : used > UNUSED_MS;
}

/** How long ago a file was made or touched, if it is there. */
async function ageOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => undefined,
  );
}

function lastLine(error: unknown): string {
  const stderr = (error as { stderr?: unknown }).stderr;
  const said = typeof stderr === 'string' && stderr.trim() !== '' ? stderr : String(error);
  return said.trim().split('\n').at(-1) ?? '';
}
