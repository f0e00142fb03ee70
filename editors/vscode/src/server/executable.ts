/** The server's executable: the user's own, else the one that the extension brings. */
import { serverSettings } from '../settings';
import { runProgram } from './runProgram';
import { type Installation, installedServer } from './environment';
import { ServerFailure } from './failure';

const NAME = 'claude-agent-lsp';

/**
 * Finds the server.
 *
 * @returns Its path, or the name by which the PATH has it.
 * @throws ServerFailure There is none, and none can be made.
 */
export async function findServer(installation: Installation): Promise<string> {
  const { path, python } = serverSettings();
  if (path !== undefined) {
    const version = await runProgram(path, '--version');
    if (version === undefined) {
      throw new ServerFailure(
        'executableUnfit',
        `${path} could not be started, or is not claude-agent-lsp.`,
        ['openSettings', 'tryAgain'],
      );
    }
    return found(path, version, installation);
  }
  const version = await runProgram(NAME, '--version');
  if (version !== undefined) {
    return found(NAME, version, installation);
  }
  return installedServer(installation, python);
}

function found(path: string, version: string, { log }: Installation): string {
  log.info(`The server is ${path}, ${version}`);
  return path;
}
