/** What the user is looking at: the file, the lines, and what is wrong with them. */
import * as vscode from 'vscode';
import type { Diagnostic, QueryArgument, Range } from '../../shared/protocol';
import { contextSettings } from '../settings';

export type QueryContext = NonNullable<QueryArgument['context']>;

/** Context that a prompt may be given; each part can be taken away. */
export interface OfferedContext {
  readonly uri: string;
  /** The file below its folder, with the lines: "src/a.py:3-5". */
  readonly label: string;
  readonly range: Range | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

const MOST_DIAGNOSTICS = 50;

/**
 * Returns the context of an editor: its selection if there is one, else its file, and the
 * diagnostics there.
 *
 * @returns undefined for an editor that shows no file.
 */
export function contextOf(editor: vscode.TextEditor | undefined): OfferedContext | undefined {
  if (editor?.document.uri.scheme !== 'file') {
    return undefined;
  }
  const { document, selection } = editor;
  const settings = contextSettings();
  const selected = settings.selection && !selection.isEmpty ? selection : undefined;
  return {
    uri: document.uri.toString(),
    label: labelOf(document.uri, selected),
    range: selected && rangeOf(selected),
    diagnostics: settings.diagnostics ? diagnosticsIn(document.uri, selected) : [],
  };
}

/** Returns "src/a.py:3-5": a file below its folder, with the lines that are selected. */
export function labelOf(uri: vscode.Uri, selected: Range | undefined): string {
  return vscode.workspace.asRelativePath(uri) + lines(selected);
}

/** Returns the context as the server takes it. */
export function asQueryContext(context: OfferedContext): QueryContext {
  return {
    textDocument: { uri: context.uri },
    ...(context.range && { range: context.range }),
    ...(context.diagnostics.length > 0 && { diagnostics: context.diagnostics }),
  };
}

/** Tells of a change of what the user is looking at, once things have settled. */
export class ContextWatcher implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<OfferedContext | undefined>();
  private readonly listening: vscode.Disposable;
  private timer: NodeJS.Timeout | undefined;
  private last: vscode.TextEditor | undefined = vscode.window.activeTextEditor;

  readonly onDidChange = this.changed.event;

  constructor() {
    this.listening = vscode.Disposable.from(
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        // A view that takes the focus leaves the editor where it was.
        if (editor !== undefined || vscode.window.visibleTextEditors.length === 0) {
          this.last = editor;
          this.soon();
        }
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor.document.uri.scheme === 'file') {
          this.last = textEditor;
          this.soon();
        }
      }),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        const shown = this.last?.document.uri.toString();
        if (uris.some((uri) => uri.toString() === shown)) {
          this.soon();
        }
      }),
    );
  }

  /** What the user was looking at last. */
  get current(): OfferedContext | undefined {
    return vscode.window.visibleTextEditors.some((each) => each === this.last)
      ? contextOf(this.last)
      : undefined;
  }

  /** The editor that the user was in last. */
  get editor(): vscode.TextEditor | undefined {
    return this.last;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listening.dispose();
    this.changed.dispose();
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.changed.fire(this.current), 100);
  }
}

function diagnosticsIn(uri: vscode.Uri, range: vscode.Range | undefined): Diagnostic[] {
  return vscode.languages
    .getDiagnostics(uri)
    .filter((each) => each.severity <= vscode.DiagnosticSeverity.Warning)
    .filter((each) => range === undefined || range.intersection(each.range) !== undefined)
    .slice(0, MOST_DIAGNOSTICS)
    .map(diagnosticOf);
}

function diagnosticOf(given: vscode.Diagnostic): Diagnostic {
  const code = typeof given.code === 'object' ? given.code.value : given.code;
  return {
    range: rangeOf(given.range),
    message: given.message,
    severity: given.severity + 1, // VS Code counts from 0, the protocol from 1
    ...(given.source !== undefined && { source: given.source }),
    ...(code !== undefined && { code }),
  };
}

function rangeOf({ start, end }: vscode.Range): Range {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

function lines(selected: Range | undefined): string {
  if (selected === undefined) {
    return '';
  }
  // A selection that ends before the first character of a line has nothing of that line.
  const last = selected.end.character === 0 ? selected.end.line : selected.end.line + 1;
  const first = selected.start.line + 1;
  return last > first ? `:${first}-${last}` : `:${first}`;
}
