/** Waits for things to happen. */
import type { Event } from 'vscode';

/** Resolves when an event comes. */
export async function once<T>(event: Event<T>): Promise<T> {
  return new Promise((resolve) => {
    const listening = event((value) => {
      listening.dispose();
      resolve(value);
    });
  });
}
