/** What a program says when it is asked a short question, such as its version. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

/** Returns what it prints; nothing of a program that isn't there, or can't be run. */
export async function answerOf(
  executable: string,
  ...question: readonly string[]
): Promise<string | undefined> {
  try {
    const { stdout } = await run(executable, question, { timeout: TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return undefined;
  }
}
