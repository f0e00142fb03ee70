/** A lock between windows, for work that one of them does while the others wait: a file that is touched. */
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/** In milliseconds: how often to look and to touch, and when a file is one that was left. */
const PATIENCE = { look: 500, touch: 3_000, left: 15_000 };

/**
 * Does some work when no other window does it. The file is touched all the while, so that of a
 * window that was killed is known by its age. A process id would not tell, since it may be another
 * program's by then, or count in another container.
 *
 * A window that is held up for longer, such as by sleep, is taken for one that was killed: the work
 * has to stand that it is, now and then, done twice at the same time.
 *
 * @param waiting Is called while another window is at it.
 */
export async function withCrossWindowLock<Done>(
  file: string,
  waiting: () => void,
  work: () => Promise<Done>,
  patience = PATIENCE,
): Promise<Done> {
  while (!(await made(file))) {
    if (await isLeft(file, patience.left)) {
      await rm(file, { force: true });
    } else {
      waiting();
      await setTimeout(patience.look);
    }
  }
  const touching = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined); // another window has taken it for left
  }, patience.touch);
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await rm(file, { force: true });
  }
}

async function made(file: string): Promise<boolean> {
  try {
    await writeFile(file, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      return false;
    }
    throw error;
  }
}

async function isLeft(file: string, after: number): Promise<boolean> {
  const touched = await stat(file).catch(() => undefined);
  return touched !== undefined && Date.now() - touched.mtimeMs > after;
}
