/** What can go wrong before the server runs, each with the button that helps. */

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
