/** Runs a program that answers a short question, such as its version. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

/** Returns what it prints to stdout; undefined for a program that isn't there, or can't be run. */
export async function runProgram(
  executable: string,
  ...args: readonly string[]
): Promise<string | undefined> {
  try {
    const { stdout } = await run(executable, args, { timeout: TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return undefined;
  }
}
