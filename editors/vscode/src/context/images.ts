/** Pictures that were pasted: files of the extension's own, since prompts go with files. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';

const ENDS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
};
const MOST_BYTES = 20 * 1024 * 1024;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export interface Pasted {
  readonly name: string;
  /** Its media type. */
  readonly kind: string;
  readonly base64: string;
}

/**
 * Keeps a picture for as long as a prompt may wait, or be sent once more: a month.
 *
 * @param storage The extension's directory.
 * @returns The file's URI.
 * @throws Error It is too large, or no picture.
 */
export async function keepImage({ name, kind, base64 }: Pasted, storage: string): Promise<string> {
  const end = ENDS[kind];
  const bytes = Buffer.from(base64, 'base64');
  if (end === undefined || bytes.length === 0) {
    throw new Error(`${name} is no picture that can be attached.`);
  }
  if (bytes.length > MOST_BYTES) {
    throw new Error(`${name} is larger than ${MOST_BYTES / 1024 / 1024} MB.`);
  }
  const directory = path.join(storage, 'images');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await removeOld(directory);
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const file = path.join(directory, `${path.parse(path.basename(name)).name || 'image'}-${digest}.${end}`);
  await writeFile(file, bytes, { mode: 0o600 });
  return vscode.Uri.file(file).toString();
}

async function removeOld(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const file = path.join(directory, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() })); // another window's work
    if (Date.now() - mtimeMs > KEPT_MS) {
      await rm(file, { force: true });
    }
  }
}
