/** Lists to choose from: sessions, models, modes. */
import * as vscode from 'vscode';
import type { Session } from '../shared/protocol';
import { PERMISSION_MODES } from '../shared/vocabulary';
import type { WindowServices } from './windowServices';
import type { ConversationView } from './conversation/conversationView';
import { severalFolders } from './folders';
import { plain } from './plainText';
import { agoOf } from './sessions/days';

const MOST = 200;
const SEARCH_MS = 150;

export interface ChosenSession {
  readonly session: Session;
  readonly folder: vscode.WorkspaceFolder;
}
type SessionItem = vscode.QuickPickItem & ChosenSession;

/** Lets the user choose a session of the open folders; what is typed is searched for in prompts, too. */
export async function chooseSession(services: WindowServices): Promise<ChosenSession | undefined> {
  const pick = vscode.window.createQuickPick<SessionItem>();
  pick.title = 'Resume Session';
  pick.placeholder = 'Search titles and prompts';
  pick.matchOnDescription = true;
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
        ...(words.trim() !== '' && { search: words }),
      });
      return sessions.map((session) => ({ session, folder }));
    }),
  );
  return lists
    .flat()
    .sort((one, other) => other.session.lastModified.localeCompare(one.session.lastModified))
    .map(({ session, folder }) => ({
      session,
      folder,
      label: plain(session.title),
      description: [
        severalFolders() ? folder.name : '',
        session.running ? 'running' : '',
        session.tag == null ? '' : `#${plain(session.tag, 30)}`,
        agoOf(new Date(session.lastModified)),
      ]
        .filter((part) => part !== '')
        .join(' · '),
      // The server has found it, maybe in a prompt: the list must not hide it again.
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
  const items = Object.entries(PERMISSION_MODES).map(([mode, { about: detail }]) => ({
    label: mode,
    description: mode === conversation.choice.mode ? 'chosen' : '',
    detail,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Permission Mode of This Conversation',
  });
  if (chosen !== undefined) {
    await conversation.choose({ mode: chosen.label });
  }
}
