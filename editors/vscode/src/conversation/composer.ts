/** What goes with the next prompt: the context that is offered, and files that were attached. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ContextItem } from '../../shared/messages';
import type { OfferedContext } from '../context/selection';
import type { PromptExtras } from './steps';

const DIAGNOSTICS = 'diagnostics';
const EDITOR = 'editor';

/** The context of one conversation's prompt. What the user takes away comes back with a new one. */
export class Composer {
  private offered: OfferedContext | undefined;
  private readonly removed = new Set<string>();
  private attachments: readonly string[] = [];

  /** Whether files were attached that are not sent yet. */
  get attached(): boolean {
    return this.attachments.length > 0;
  }

  /** What the user is looking at has changed. */
  offer(context: OfferedContext | undefined): void {
    if (context?.uri !== this.offered?.uri || context?.label !== this.offered?.label) {
      this.removed.clear();
    }
    this.offered = context;
  }

  attach(uris: readonly string[]): void {
    this.attachments = [...new Set([...this.attachments, ...uris])];
  }

  remove(id: string): void {
    if (this.attachments.includes(id)) {
      this.attachments = this.attachments.filter((each) => each !== id);
    } else {
      this.removed.add(id);
    }
  }

  /** What is shown before it is sent. */
  items(): readonly ContextItem[] {
    const context = this.kept();
    const items: ContextItem[] = [];
    if (context !== undefined) {
      const kind = context.range === undefined ? 'file' : 'selection';
      items.push({ id: EDITOR, kind, label: context.label, tooltip: pathOf(context.uri) });
      const problems = context.diagnostics;
      if (problems.length > 0) {
        items.push({
          id: DIAGNOSTICS,
          kind: 'diagnostics',
          label: problems.length === 1 ? '1 problem' : `${problems.length} problems`,
          tooltip: problems.map((each) => each.message).join('\n'),
        });
      }
    }
    const attached = this.attachments.map((uri): ContextItem => {
      return { id: uri, kind: 'attachment', label: path.basename(pathOf(uri)), tooltip: pathOf(uri) };
    });
    return [...items, ...attached];
  }

  /** Returns what goes with a prompt; attachments go once. */
  take(): PromptExtras {
    const extras = { context: this.kept(), attachments: this.attachments };
    this.attachments = [];
    return extras;
  }

  private kept(): OfferedContext | undefined {
    if (this.offered === undefined || this.removed.has(EDITOR)) {
      return undefined;
    }
    return this.removed.has(DIAGNOSTICS) ? { ...this.offered, diagnostics: [] } : this.offered;
  }
}

function pathOf(uri: string): string {
  return vscode.Uri.parse(uri).fsPath;
}
