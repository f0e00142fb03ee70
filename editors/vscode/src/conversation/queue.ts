/** What waits for a conversation's session. */
import type { Waiting } from '../../shared/control';
import type { Server } from '../server/server';

export class Queue {
  /** In their order. */
  prompts: readonly Waiting[] = [];

  /** @param changed Called when there are others. */
  constructor(
    private readonly server: Server,
    private readonly changed: () => void,
  ) {}

  /** Takes note of what waits; where a long prompt was cut, the whole of it is asked for. */
  take(sessionId: string, prompts: readonly Waiting[]): void {
    this.prompts = prompts;
    this.changed();
    if (prompts.some(({ truncated }) => truncated === true)) {
      this.look(sessionId);
    }
  }

  /** Looks what waits, also what a server has left that is gone. */
  look(sessionId: string): void {
    this.server.execute('claudeAgent.queue.list', { sessionId }).then(
      ({ queue }) => {
        this.prompts = queue;
        this.changed();
      },
      () => undefined, // the next change tells of it
    );
  }

  /** Changes a prompt that waits. */
  async edit(runId: string, prompt: string): Promise<void> {
    await this.server.execute('claudeAgent.queue.edit', { runId, prompt });
  }

  /** Takes a prompt out that waits. */
  async remove(runId: string): Promise<void> {
    await this.server.execute('claudeAgent.queue.remove', { runId });
  }

  /** Sends a prompt on that waits: into the turn at work, or before all others. */
  async send(runId: string): Promise<void> {
    await this.server.execute('claudeAgent.queue.sendNow', { runId });
  }
}
