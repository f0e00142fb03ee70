/** A session as the server has it. */
import type { Message, Session } from '../../shared/protocol';
import type { Server } from '../server/server';

const PAGE = 1000;

export interface Reading {
  readonly session: Session;
  readonly messages: readonly Message[];
}

/** Reads all that was said in a session. */
export async function readSession(server: Server, sessionId: string): Promise<Reading> {
  const messages: Message[] = [];
  let session: Session | undefined;
  let cursor: string | undefined;
  do {
    const page = await server.execute('claudeAgent.session.read', {
      sessionId,
      limit: PAGE,
      ...(cursor !== undefined && { cursor }),
    });
    messages.push(...page.messages);
    session = page.session;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return { session, messages };
}
