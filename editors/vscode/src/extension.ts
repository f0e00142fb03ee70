/** Claude Agent in VS Code. Activation registers things and starts nothing. */
import * as vscode from 'vscode';
import { CapabilityCache } from './capabilities';
import { registerCommands } from './commands';
import { FileLists } from './context/files';
import { ContextWatcher } from './context/selection';
import { Choices } from './conversation/choices';
import { Conversations } from './conversation/conversations';
import { WindowServices } from './windowServices';
import { SideBar, VIEW } from './conversation/sideBar';
import { PANEL, Tabs } from './conversation/tabs';
import { Documents, SCHEME } from './diffs';
import { PromptHistory } from './history';
import { Notifications } from './notifications';
import { Questions } from './questions';
import type { Installation } from './server/environment';
import { tell } from './server/remedies';
import { Server } from './server/server';
import { registerSessionCommands } from './sessions/commands';
import { SessionsTree } from './sessions/tree';
import { Locations } from './locations';
import { StatusBar } from './status';

let server: Server | undefined;

/** What loading the bundle took of the processor, in microseconds: set by the build. */
declare const loading: NodeJS.CpuUsage;

/** What tests look at. */
export interface Activated {
  readonly locations: Locations;
  readonly tree: SessionsTree;
  /** What loading and activation took of the processor: nobody else's work is in it. */
  readonly milliseconds: number;
}

/** Registers all that the extension contributes. */
export function activate(context: vscode.ExtensionContext): Activated {
  const began = process.cpuUsage();
  const log = vscode.window.createOutputChannel('Claude Agent', { log: true });
  const installation: Installation = {
    wheels: vscode.Uri.joinPath(context.extensionUri, 'dist', 'server').fsPath,
    storage: context.globalStorageUri.fsPath,
    log,
  };
  const running = new Server(installation);
  server = running;
  const conversations = new Conversations(running, new Choices(context.workspaceState));
  const questions = new Questions(running, conversations);
  const watcher = new ContextWatcher();
  const documents = new Documents();
  const history = new PromptHistory(context.workspaceState);
  const capabilities = new CapabilityCache(running);
  const files = new FileLists();
  const services = new WindowServices(
    running,
    conversations,
    questions,
    watcher,
    documents,
    history,
    capabilities,
    files,
    log,
  );
  const sideBar = new SideBar(services, context.extensionUri, context.workspaceState);
  const tabs = new Tabs(services, context.extensionUri);
  const locations = new Locations(services, sideBar, tabs);
  const tree = new SessionsTree(running, conversations, questions);
  const view = vscode.window.createTreeView('claude-agent.sessions', { treeDataProvider: tree });
  context.subscriptions.push(
    log,
    running,
    conversations,
    questions,
    watcher,
    files,
    sideBar,
    locations,
    tree,
    view,
    new StatusBar(running, conversations, questions),
    new Notifications(locations),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, documents),
    vscode.window.registerWebviewViewProvider(VIEW, sideBar, {
      webviewOptions: { retainContextWhenHidden: true },
    }),
    vscode.window.registerWebviewPanelSerializer(PANEL, tabs),
    running.onDidFail((failure) => void tell(failure, running, log)),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('claudeAgent.server') && running.state !== 'stopped') {
        running.restart().catch(() => undefined); // told by the failure's own message
      }
    }),
    registerCommands(locations),
    registerSessionCommands(locations, tree, view),
  );
  const activating = process.cpuUsage(began);
  return { locations, tree, milliseconds: milliseconds(loading) + milliseconds(activating) };
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** VS Code waits for this: the server ends in order. */
export async function deactivate(): Promise<void> {
  await server?.stop();
}
