import * as assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import { activated, command, eventually, folder, freshConversation } from './support';

const CODE = 'def total(items):\n    return sum(items)\n\nprint("ü🛒", total([1]))\n';
const CART = (): vscode.Uri => vscode.Uri.joinPath(folder().uri, 'cart.py');
const SELECTOR: vscode.DocumentSelector = { pattern: '**/cart.py' };

/** Where a name stands in a document. */
function places(document: vscode.TextDocument, name: string): vscode.Range[] {
  return [...document.getText().matchAll(new RegExp(name, 'g'))].map(
    ({ index }) =>
      new vscode.Range(document.positionAt(index), document.positionAt(index + name.length)),
  );
}

/** A language's extension: it knows what `total` is, and a while after each change it finds fault. */
function language(): vscode.Disposable {
  const problems = vscode.languages.createDiagnosticCollection('judge');
  const linting = new Set<NodeJS.Timeout>();
  const lint = (document: vscode.TextDocument): void => {
    if (document.uri.toString() === CART().toString()) {
      const later = setTimeout(() => {
        problems.set(
          document.uri,
          places(document, 'bad').map(
            (range) =>
              new vscode.Diagnostic(range, 'this is bad', vscode.DiagnosticSeverity.Warning),
          ),
        );
      }, 300);
      linting.add(later);
    }
  };
  const at = ({ uri }: vscode.TextDocument, range: vscode.Range): vscode.Location =>
    new vscode.Location(uri, range);
  return vscode.Disposable.from(
    problems,
    new vscode.Disposable(() => linting.forEach((each) => clearTimeout(each))),
    vscode.workspace.onDidOpenTextDocument(lint),
    vscode.workspace.onDidChangeTextDocument(({ document }) => lint(document)),
    vscode.languages.registerDefinitionProvider(SELECTOR, {
      provideDefinition: (document) =>
        places(document, 'total').slice(0, 1).map((range) => at(document, range)),
    }),
    vscode.languages.registerReferenceProvider(SELECTOR, {
      provideReferences: (document) => places(document, 'total').map((range) => at(document, range)),
    }),
    vscode.languages.registerDocumentSymbolProvider(SELECTOR, {
      provideDocumentSymbols: (document) => {
        const [range] = places(document, 'total');
        assert.ok(range);
        return [new vscode.DocumentSymbol('total', '', vscode.SymbolKind.Function, range, range)];
      },
    }),
    vscode.languages.registerRenameProvider(SELECTOR, {
      provideRenameEdits: (document, _, name) => {
        const edit = new vscode.WorkspaceEdit();
        places(document, 'total').forEach((range) => edit.replace(document.uri, range, name));
        return edit;
      },
    }),
  );
}

/** Asks, allows what is asked for it, and returns what the agent's tools have said. */
async function ask(prompt: string): Promise<Record<string, unknown>[]> {
  const { locations } = await activated();
  const { questions } = locations.services;
  const state = { ended: false };
  const asked = command('ask', prompt).finally(() => (state.ended = true));
  await eventually(async () => {
    const open = questions.all[0];
    if (open !== undefined) {
      await questions.answer(open.questionId, 'allow');
    }
    return state.ended;
  });
  await asked;
  const steps = locations.current?.conversation.steps ?? [];
  return steps.flatMap((step) =>
    step.kind === 'event' && step.event.kind === 'toolResult' && step.event.text.startsWith('{')
      ? [JSON.parse(step.event.text) as Record<string, unknown>]
      : [],
  );
}

describe('what VS Code knows of code', () => {
  let listening: vscode.Disposable;
  before(() => {
    listening = language();
  });
  after(() => {
    listening.dispose();
  });

  async function opened(text: string): Promise<vscode.TextDocument> {
    await writeFile(CART().fsPath, text);
    await freshConversation();
    const document = await vscode.workspace.openTextDocument(CART());
    await eventually(() => document.getText() === text);
    await vscode.window.showTextDocument(document);
    return document;
  }

  it('is told to the agent: what is open, and the diagnostics of the text as it is', async () => {
    const document = await opened(`bad = 1\n${CODE}`);
    await eventually(() => vscode.languages.getDiagnostics(document.uri).length === 1);
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(4, 12, 4, 17);
    const [open, before, after] = await ask('see what is wrong');
    const [shown] = (open?.documents as { path: string }[]).filter(({ path }) => path === CART().fsPath);
    assert.deepEqual(shown, {
      path: CART().fsPath,
      visible: true,
      active: true,
      selection: { start: { line: 5, column: 12 }, end: { line: 5, column: 17 } },
    });
    const columns = [before, after].map(
      (each) => (each?.files as { diagnostics: { column: number }[] }[])[0]?.diagnostics,
    );
    const bad = { line: 1, severity: 'warning', message: 'this is bad' };
    assert.deepEqual(columns, [[{ ...bad, column: 1 }], [{ ...bad, column: 9 }]]);
  });

  it('is asked by the agent, and renames as the user allows', async () => {
    const document = await opened(CODE);
    const [definition, references, symbols, renamed] = await ask('rename the total');
    const path = CART().fsPath;
    assert.deepEqual(definition, { places: [{ path, line: 1 }] });
    assert.deepEqual(references, { places: [{ path, line: 1 }, { path, line: 4 }] });
    assert.deepEqual(symbols, { symbols: [{ name: 'total', kind: 'function', path, line: 1 }] });
    assert.deepEqual(renamed, { changed: [path] });
    assert.equal(document.getText(), CODE.replaceAll('total', 'add'));
    assert.equal(await readFile(path, 'utf8'), document.getText());
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), CODE);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  });

  it('shows the user a place, if that is switched on', async () => {
    await opened(CODE);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const settings = vscode.workspace.getConfiguration('claudeAgent');
    await settings.update('editorTools', ['reveal'], vscode.ConfigurationTarget.Global);
    try {
      const answers = await ask('show me the total');
      assert.deepEqual(answers, [{ shown: CART().fsPath, line: 4 }]);
    } finally {
      await settings.update('editorTools', undefined, vscode.ConfigurationTarget.Global);
    }
    const editor = vscode.window.visibleTextEditors.find(
      ({ document }) => document.uri.toString() === CART().toString(),
    );
    assert.equal(editor?.selection.start.line, 3);
  });
});
