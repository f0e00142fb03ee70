/** A Python for who has none: uv installs it, and is itself taken from the package index. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { unzip } from 'fflate';
import { ServerFailure } from './failure';
import { runProgram } from './runProgram';

const run = promisify(execFile);

const INDEX = 'https://pypi.org/simple';
const VERSION = '3.13';
const SUFFIX = process.platform === 'win32' ? '.exe' : '';
const JSON_INDEX = 'application/vnd.pypi.simple.v1+json';

/** A file of the index, as PEP 691 has it. */
interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly hashes: { readonly sha256?: string };
}

/** The package index: the user's own, where pip or uv are told of one. */
export function packageIndex(): URL {
  const { PIP_INDEX_URL, UV_DEFAULT_INDEX } = process.env;
  return new URL(`${(UV_DEFAULT_INDEX ?? PIP_INDEX_URL ?? INDEX).replace(/\/+$/, '')}/`);
}

/**
 * Returns the Python that was installed here, if there is one.
 *
 * @param storage The extension's directory.
 */
export async function pythonIn(storage: string): Promise<string | undefined> {
  const place = path.join(storage, 'python');
  const [newest] = (await readdir(place).catch(() => [])).filter((each) => each.startsWith('cpython-')).sort().reverse();
  return newest && path.join(place, newest, ...(SUFFIX === '' ? ['bin', 'python3'] : ['python.exe']));
}

/**
 * Installs a Python into the extension's own directory; nothing else on the machine is changed.
 *
 * @throws ServerFailure It could not be had.
 */
export async function installPython(storage: string): Promise<void> {
  try {
    const uv = (await runProgram('uv', '--version')) === undefined ? await ownUv(storage) : 'uv';
    const quiet = ['--no-bin', '--no-registry', '--no-config', '--no-progress'];
    await run(uv, ['python', 'install', '--install-dir', path.join(storage, 'python'), ...quiet, VERSION]);
  } catch (error) {
    const told = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
    throw new ServerFailure('installationFailed', `Python could not be installed: ${told}`, [
      'installPython',
      'showOutput',
      'choosePython',
    ]);
  }
}

/** Returns the uv in the extension's directory; it is fetched if there is none. */
async function ownUv(storage: string): Promise<string> {
  const uv = path.join(storage, 'uv', `uv${SUFFIX}`);
  if ((await runProgram(uv, '--version')) !== undefined) {
    return uv;
  }
  const program = await programIn(await fetchWheel());
  await mkdir(path.dirname(uv), { recursive: true });
  const made = await mkdtemp(path.join(storage, 'uv', 'new-'));
  const file = path.join(made, `uv${SUFFIX}`);
  await writeFile(file, program, { mode: 0o755 });
  await rename(file, uv); // of two windows the later one's, whole
  await rm(made, { recursive: true });
  return uv;
}

async function fetchWheel(): Promise<Uint8Array> {
  const index = new URL('uv/', packageIndex());
  const listed = await fetched(index, { headers: { Accept: JSON_INDEX } });
  const { files } = (await listed.json()) as { readonly files: readonly IndexFile[] };
  const fit = files.findLast(({ filename }) => fitsHere(filename));
  if (fit?.hashes.sha256 === undefined) {
    throw new Error(`${index.host} has no uv for this machine.`);
  }
  const wheel = new Uint8Array(await (await fetched(new URL(fit.url, index))).arrayBuffer());
  if (createHash('sha256').update(wheel).digest('hex') !== fit.hashes.sha256) {
    throw new Error(`${fit.filename} is not what ${index.host} says it is.`);
  }
  return wheel;
}

async function fetched(url: URL, how?: RequestInit): Promise<Response> {
  const response = await fetch(url, how);
  if (!response.ok) {
    throw new Error(`${url.host} answers ${response.status}.`);
  }
  return response;
}

/** Whether a wheel is a release of uv for this machine; an index has the newest last. */
function fitsHere(filename: string): boolean {
  const cpu = { x64: '(x86_64|amd64)', arm64: '(aarch64|arm64)' }[process.arch as string] ?? process.arch;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const libc = header.glibcVersionRuntime === undefined ? 'musllinux' : 'manylinux';
  const system = { linux: libc, darwin: 'macosx', win32: 'win' }[process.platform as string] ?? 'none';
  return new RegExp(`^uv-[\\d.]+-py3-none-${system}.*_${cpu}\\.whl$`).test(filename);
}

async function programIn(wheel: Uint8Array): Promise<Uint8Array> {
  const name = new RegExp(`^uv-[^/]+\\.data/scripts/uv${SUFFIX.replace('.', '\\.')}$`);
  const files = await new Promise<Readonly<Record<string, Uint8Array>>>((resolve, reject) => {
    unzip(wheel, { filter: (file) => name.test(file.name) }, (error, found) =>
      error === null ? resolve(found) : reject(error),
    );
  });
  const [program] = Object.values(files);
  if (program === undefined) {
    throw new Error('The wheel of uv holds no uv.');
  }
  return program;
}
