/** What can go wrong: before the server runs, each with the button that helps, and in its requests. */

export type Remedy =
  | 'choosePython'
  | 'installPython'
  | 'openSettings'
  | 'restart'
  | 'showOutput'
  | 'tryAgain';

export type FailureReason =
  | 'pythonMissing'
  | 'pythonTooOld'
  | 'executableMissing'
  | 'executableUnfit'
  | 'installationFailed'
  | 'startFailed'
  | 'crashed';

/** A server that isn't there, in the user's words. */
export class ServerFailure extends Error {
  /**
   * @param reason Which failure it is.
   * @param message What happened.
   * @param remedies What the user can do, the best first.
   */
  constructor(
    readonly reason: FailureReason,
    message: string,
    readonly remedies: readonly Remedy[],
  ) {
    super(message);
    this.name = 'ServerFailure';
  }
}

/** A request to the server that failed: the protocol's reason and hint. */
export class RequestFailure extends Error {
  constructor(
    message: string,
    readonly code: number,
    readonly reason: string | undefined,
    readonly hint: string | undefined,
    /** What runs in the background of a session that another server has. */
    readonly keptFor?: string,
  ) {
    super(message);
    this.name = 'RequestFailure';
  }
}
