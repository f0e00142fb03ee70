/** What the agent has left at work behind its turns: a list, the output as it comes, and its end. */
import * as vscode from 'vscode';
import type { Task } from '../shared/control';
import { plain } from './plainText';
import type { Server } from './server/server';
import type { WindowServices } from './windowServices';

const FOLLOW_MS = 1000;
const TITLE_LENGTH = 60;
const STOP: vscode.QuickInputButton = {
  iconPath: new vscode.ThemeIcon('debug-stop'),
  tooltip: 'Stop',
};

interface TaskItem extends vscode.QuickPickItem {
  readonly task: Task;
}

/** Shows the tasks: one that is chosen shows what it puts out, a button stops one that runs. */
export class BackgroundTasks implements vscode.Disposable {
  private readonly channels = new Map<string, vscode.OutputChannel>();

  constructor(private readonly services: WindowServices) {}

  dispose(): void {
    for (const channel of this.channels.values()) {
      channel.dispose();
    }
    this.channels.clear();
  }

  async choose(): Promise<void> {
    const { server } = this.services;
    const tasks = await listed(server);
    if (tasks.length === 0) {
      void vscode.window.showInformationMessage('Nothing runs in the background.');
      return;
    }
    const pick = vscode.window.createQuickPick<TaskItem>();
    pick.title = 'Background Tasks';
    pick.placeholder = 'Choose one to see its output';
    pick.items = tasks;
    pick.onDidTriggerItemButton(({ item }) => {
      pick.busy = true;
      stop(server, item.task)
        .then(async () => listed(server))
        .then((items) => (pick.items = items))
        .catch((error: unknown) => this.services.report(error))
        .finally(() => (pick.busy = false));
    });
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      pick.hide();
      if (item !== undefined) {
        this.show(item.task);
      }
    });
    pick.onDidHide(() => pick.dispose());
    pick.show();
  }

  /** Shows what a task puts out, and follows it. */
  private show(task: Task): void {
    let channel = this.channels.get(task.taskId);
    if (channel === undefined) {
      channel = vscode.window.createOutputChannel(`Claude: ${plain(task.title, TITLE_LENGTH)}`);
      this.channels.set(task.taskId, channel);
      this.follow(task, channel).catch((error: unknown) => this.services.report(error));
    }
    channel.show(true);
  }

  private async follow(task: Task, channel: vscode.OutputChannel): Promise<void> {
    const { taskId, sessionId } = task;
    let cursor: string | undefined;
    do {
      const page = await this.services.server.execute('claudeAgent.task.output', {
        taskId,
        sessionId,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (this.channels.get(taskId) !== channel) {
        return;
      }
      channel.append(page.text);
      cursor = page.nextCursor ?? undefined;
      if (page.text === '') {
        await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
      }
    } while (cursor !== undefined);
  }
}

async function listed(server: Server): Promise<TaskItem[]> {
  const { tasks } = await server.execute('claudeAgent.task.list', {});
  return tasks.map((task) => ({
    task,
    label: plain(task.title, TITLE_LENGTH),
    description: `${task.state}, ${Math.round(task.durationMs / 1000)} s`,
    detail: plain(task.lastLines?.split('\n').at(-1) ?? '', TITLE_LENGTH * 2),
    buttons: task.state === 'running' ? [STOP] : [],
  }));
}

async function stop(server: Server, { taskId, sessionId }: Task): Promise<void> {
  await server.execute('claudeAgent.task.stop', { taskId, sessionId });
}
