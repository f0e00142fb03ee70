/** What is asked of the server, made of what was written and chosen. */
import type * as vscode from 'vscode';
import type { QueryArgument } from '../../shared/protocol';
import { asQueryContext } from '../context/selection';
import type { Choice } from './choices';
import type { PromptExtras } from './steps';

/**
 * Returns the argument of `claudeAgent.query`.
 *
 * @param extras What goes with the prompt.
 * @param choice How it is run.
 * @param folder Where.
 * @param sessionId In which session; undefined for a new one.
 */
export function asQuery(
  prompt: string,
  { context, attachments = [] }: PromptExtras,
  { model, effort, mode }: Choice,
  folder: vscode.WorkspaceFolder,
  sessionId: string | undefined,
): QueryArgument {
  return {
    prompt,
    workspace: folder.uri.toString(),
    session: sessionId ?? 'new',
    permissionMode: mode,
    ...(context !== undefined && { context: asQueryContext(context) }),
    ...(attachments.length > 0 && { attachments }),
    ...(model !== undefined && { model }),
    ...(effort !== undefined && { effort }),
  };
}
