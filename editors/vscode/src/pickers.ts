/** Lists to choose from: sessions, models, modes. */
import * as vscode from 'vscode';
import type { Session } from '../shared/protocol';
import { PERMISSION_MODES } from '../shared/vocabulary';
import type { WindowServices } from './windowServices';
import type { ConversationView } from './conversation/conversationView';
import { severalFolders } from './folders';
import { plain } from './plainText';
import { agoOf } from './sessions/days';
import { marksOf } from './sessions/marks';
import { mayChoose } from './trust';

const MOST = 200;
const SEARCH_MS = 150;

export interface ChosenSession {
  readonly session: Session;
  readonly folder: vscode.WorkspaceFolder;
}
type SessionItem = vscode.QuickPickItem & ChosenSession;

/** Lets the user choose a session of the open folders; what is typed is searched for in all that was said. */
export async function chooseSession(services: WindowServices): Promise<ChosenSession | undefined> {
  const pick = vscode.window.createQuickPick<SessionItem>();
  pick.title = 'Resume Session';
  pick.placeholder = 'Search in all that was said';
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  let timer: NodeJS.Timeout | undefined;
  const load = async (words: string): Promise<void> => {
    pick.busy = true;
    try {
      const items = await sessionItems(services, words);
      if (pick.value === words) {
        pick.items = items;
      }
    } catch (error) {
      pick.hide();
      services.report(error);
    } finally {
      pick.busy = false;
    }
  };
  pick.onDidChangeValue((words) => {
    clearTimeout(timer);
    timer = setTimeout(() => void load(words), SEARCH_MS);
  });
  const chosen = new Promise<ChosenSession | undefined>((resolve) => {
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      if (item !== undefined) {
        resolve(item);
        pick.hide();
      }
    });
    pick.onDidHide(() => {
      clearTimeout(timer);
      pick.dispose();
      resolve(undefined);
    });
  });
  pick.show();
  void load('');
  return chosen;
}

async function sessionItems(services: WindowServices, words: string): Promise<SessionItem[]> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const { sessions } = await services.server.execute('claudeAgent.session.list', {
        workspace: folder.uri.toString(),
        limit: MOST,
        ...(words.trim() !== '' && { search: words, matches: true }),
      });
      return sessions.map((session) => ({ session, folder }));
    }),
  );
  const found = lists.flat();
  if (words.trim() === '') {
    // Of a search the server has put the best first, in each folder.
    found.sort((one, other) => {
      const pinned = Number(other.session.pinned) - Number(one.session.pinned);
      return pinned || other.session.lastModified.localeCompare(one.session.lastModified);
    });
  }
  return found.map(({ session, folder }) => ({
      session,
      folder,
      label: plain(session.title),
      description: [
        severalFolders() ? folder.name : '',
        session.running ? 'running' : '',
        session.tag == null ? '' : `#${plain(session.tag, 30)}`,
        ...marksOf(session),
        agoOf(new Date(session.lastModified)),
      ]
        .filter((part) => part !== '')
        .join(' · '),
      detail: (session.matches ?? []).map((match) => plain(match.line)).join('  ⋯  '),
      // The server has found it, maybe in an answer: the list must not hide it again.
      alwaysShow: true,
    }));
}

/** Lets the user choose the model of a conversation. */
export async function chooseModel({ conversation, services }: ConversationView): Promise<void> {
  const listed = services.capabilities.of(conversation.folder);
  const items = listed.then(({ models }) =>
    models.map((model) => ({
      label: plain(model.displayName),
      description: model.value === conversation.choice.model ? 'chosen' : '',
      detail: plain(model.description ?? ''),
      value: model.value,
    })),
  );
  const chosen = await vscode.window.showQuickPick(items, { title: 'Model of This Conversation' });
  if (chosen !== undefined) {
    await conversation.choose({ model: chosen.value });
  }
}

/** Lets the user choose what the agent of a conversation may do without asking. */
export async function chooseMode({ conversation }: ConversationView): Promise<void> {
  const items = Object.entries(PERMISSION_MODES).map(([mode, { label, about: detail }]) => ({
    mode,
    label,
    description: mode === conversation.choice.mode ? 'chosen' : '',
    detail,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Permission Mode of This Conversation',
  });
  if (chosen !== undefined && (await mayChoose(chosen.mode, conversation))) {
    await conversation.choose({ mode: chosen.mode });
  }
}
