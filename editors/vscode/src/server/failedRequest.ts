/** What a request to the server has failed with, apart from what is loaded before the client. */
import { ConnectionError, ErrorCodes, ResponseError } from 'vscode-languageclient/node';
import { RequestFailure } from './failure';

/** That there is no server that could answer. */
const GONE: readonly number[] = [ErrorCodes.PendingResponseRejected, ErrorCodes.ConnectionInactive];

/** What is thrown of what a request has failed with. */
export function failure(error: unknown): Error {
  const gone = error instanceof ResponseError && GONE.includes(error.code);
  if (gone || error instanceof ConnectionError) {
    return new Error('The Claude Agent server has ended.'); // the library speaks of promises and connections
  }
  if (error instanceof ResponseError) {
    const data = error.data as { reason?: string; hint?: string; keptFor?: string } | undefined;
    return new RequestFailure(error.message, error.code, data?.reason, data?.hint, data?.keptFor);
  }
  return error instanceof Error ? error : new Error(String(error));
}
