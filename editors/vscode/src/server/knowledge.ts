/** What VS Code knows of code, for the agent: diagnostics, what is shown, its language servers. */
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';

/** Linters come one after the other. */
const GATHER_MS = 100;

/** Of a document; the server keeps fewer. */
const MOST = 1000;

/** A request of LSP for the language servers of VS Code. */
export interface LanguageRequest {
  readonly method: string;
  readonly params: {
    readonly textDocument?: { readonly uri: string };
    readonly position?: { readonly line: number; readonly character: number };
    readonly newName?: string;
    readonly query?: string;
  };
}

/** What is answered to one. */
export interface LanguageAnswers {
  readonly answers: readonly { readonly result?: unknown; readonly error?: string }[];
}

type Converter = LanguageClient['code2ProtocolConverter'];

/** Answers what the server asks of the editor. */
export function answerQuestions(client: LanguageClient): void {
  client.onRequest('claudeAgent/visibleDocuments', () => ({
    documents: visible(client.code2ProtocolConverter),
  }));
  client.onRequest('claudeAgent/language', async (asked: LanguageRequest) =>
    askLanguageServers(asked, client.code2ProtocolConverter),
  );
}

/** Tells the server of diagnostics, from now on and as they are, until it is disposed. */
export function tellDiagnostics(client: LanguageClient): vscode.Disposable {
  const gathering = new Map<string, NodeJS.Timeout>();
  const tell = (uri: vscode.Uri, version: number): void => {
    const document = opened(uri);
    if (document?.version !== version || !client.isRunning()) {
      return; // others will come for what it has become
    }
    const converter = client.code2ProtocolConverter;
    const params = {
      uri: converter.asUri(uri),
      version,
      diagnostics: vscode.languages
        .getDiagnostics(uri)
        .slice(0, MOST)
        .map((each) => converter.asDiagnostic(each)),
    };
    client.sendNotification('claudeAgent/diagnostics', params).catch(() => undefined); // it has ended
  };
  const gather = (uri: vscode.Uri): void => {
    const document = opened(uri);
    if (document === undefined) {
      return;
    }
    const { version } = document;
    clearTimeout(gathering.get(uri.toString()));
    const later = setTimeout(() => {
      gathering.delete(uri.toString());
      tell(uri, version);
    }, GATHER_MS);
    gathering.set(uri.toString(), later);
  };
  for (const [uri, found] of vscode.languages.getDiagnostics()) {
    if (found.length > 0) {
      gather(uri);
    }
  }
  return vscode.Disposable.from(
    vscode.languages.onDidChangeDiagnostics(({ uris }) => uris.forEach(gather)),
    new vscode.Disposable(() => gathering.forEach((each) => clearTimeout(each))),
  );
}

/** Asks language servers, by the commands that VS Code has for it. */
export async function askLanguageServers(
  { method, params }: LanguageRequest,
  converter: Converter,
): Promise<LanguageAnswers> {
  try {
    const result = await asked(method, params, converter);
    return { answers: result === undefined ? [] : [{ result }] };
  } catch (error) {
    return { answers: [{ error: error instanceof Error ? error.message : String(error) }] };
  }
}

async function asked(
  method: string,
  { textDocument, position, newName, query }: LanguageRequest['params'],
  converter: Converter,
): Promise<unknown> {
  const execute = async <Found>(command: string, ...given: unknown[]): Promise<Found | undefined> =>
    vscode.commands.executeCommand(`vscode.execute${command}Provider`, ...given);
  const uri = textDocument && vscode.Uri.parse(textDocument.uri, true);
  const at = position && new vscode.Position(position.line, position.character);
  switch (method) {
    case 'textDocument/definition':
      return (await execute<Found[]>('Definition', uri, at))?.map((each) => place(each, converter));
    case 'textDocument/references':
      return (await execute<Found[]>('Reference', uri, at))?.map((each) => place(each, converter));
    case 'textDocument/documentSymbol':
      return (await execute<Symbol[]>('DocumentSymbol', uri))?.map((each) => symbol(each, converter));
    case 'workspace/symbol':
      return (await execute<Symbol[]>('WorkspaceSymbol', query))?.map((each) => symbol(each, converter));
    case 'textDocument/rename':
      return edits(await execute<vscode.WorkspaceEdit>('DocumentRename', uri, at, newName), converter);
    default:
      return undefined;
  }
}

type Found = vscode.Location | vscode.LocationLink;
type Symbol = vscode.SymbolInformation | vscode.DocumentSymbol;

function place(found: Found, converter: Converter): unknown {
  return 'targetUri' in found
    ? {
        uri: converter.asUri(found.targetUri),
        range: converter.asRange(found.targetSelectionRange ?? found.targetRange),
      }
    : { uri: converter.asUri(found.uri), range: converter.asRange(found.range) };
}

function symbol(found: Symbol, converter: Converter): unknown {
  const { name } = found;
  const kind = found.kind + 1; // LSP counts from 1
  return 'children' in found
    ? {
        name,
        kind,
        selectionRange: converter.asRange(found.selectionRange),
        children: found.children.map((each) => symbol(each, converter)),
      }
    : { name, kind, containerName: found.containerName, location: place(found.location, converter) };
}

function edits(found: vscode.WorkspaceEdit | undefined, converter: Converter): unknown {
  const entries = found?.entries() ?? [];
  if (found === undefined || found.size === 0) {
    return null;
  }
  if (found.size > entries.length) {
    return { documentChanges: [{ kind: 'rename' }] }; // it has files moved, which is not told here
  }
  const changes: Record<string, unknown> = {};
  for (const [uri, made] of entries) {
    changes[converter.asUri(uri)] = made.map((each) => converter.asTextEdit(each));
  }
  return { changes };
}

function visible(converter: Converter): readonly unknown[] {
  return vscode.window.visibleTextEditors
    .filter(({ document }) => document.uri.scheme === 'file')
    .map((editor) => ({
      uri: converter.asUri(editor.document.uri),
      active: editor === vscode.window.activeTextEditor,
      selection: converter.asRange(editor.selection),
    }));
}

function opened(uri: vscode.Uri): vscode.TextDocument | undefined {
  return uri.scheme === 'file'
    ? vscode.workspace.textDocuments.find((each) => each.uri.toString() === uri.toString())
    : undefined;
}
