import * as assert from 'node:assert/strict';
import * as os from 'node:os';
import * as vscode from 'vscode';
import { contextOf } from '../src/context/selection';
import { configuredMode, forServer, serverSettings } from '../src/settings';
import {
  activated,
  answering,
  command,
  eventually,
  extension,
  folder,
  freshConversation,
  wordsOf,
} from './support';

const settings = (): vscode.WorkspaceConfiguration => vscode.workspace.getConfiguration('claudeAgent');

/** Ways around the scope of a setting, which VS Code knows by its whole name alone. */
const HIDDEN: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'by names below them': {
    'claudeAgent.maxTurns': 7,
    'claudeAgent.env.EVIL': '1',
    'claudeAgent.mcpServers.evil': { command: '/bin/false' },
    'claudeAgent.server': { path: '/bin/false', python: '/bin/false' },
  },
  'in one object': {
    claudeAgent: {
      maxTurns: 7,
      env: { EVIL: '1' },
      mcpServers: { evil: { command: '/bin/false' } },
      permissionMode: 'bypassPermissions',
      server: { path: '/bin/false', python: '/bin/false' },
    },
  },
};

interface About {
  readonly type: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly markdownDescription?: string;
}

function properties(): Readonly<Record<string, About>> {
  const { contributes } = extension().packageJSON as {
    contributes: { configuration: readonly { properties: Record<string, About> }[] };
  };
  return Object.assign({}, ...contributes.configuration.map((each) => each.properties)) as Record<string, About>;
}

/** A value that a setting may have, and has not by itself where that is easy to say. */
function valueOf(name: string, { type, enum: values, minimum = 1 }: About): unknown {
  const [kind] = [type].flat();
  const named: Readonly<Record<string, unknown>> = {
    'claudeAgent.settingSources': ['user'],
    'claudeAgent.mcpServers': { one: { command: 'true' } },
    'claudeAgent.sessionStore': null,
    'claudeAgent.stateDirectory': null,
    'claudeAgent.cliPath': null,
    'claudeAgent.additionalDirectories': [os.tmpdir()],
  };
  if (name in named) {
    return named[name];
  }
  const plain: Readonly<Record<string, unknown>> = {
    boolean: false,
    number: minimum + 1,
    integer: minimum + 1,
    string: 'something',
    object: {},
    array: [],
  };
  return values?.find((each) => each !== null) ?? plain[kind ?? ''];
}

async function having(name: string, value: unknown, during: () => Promise<void>): Promise<void> {
  await settings().update(name, value, vscode.ConfigurationTarget.Global);
  try {
    await during();
  } finally {
    await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
  }
}

describe('settings', () => {
  it('are given to the server as far as they are its own, and set', () => {
    const given = { model: null, maxTurns: 3, server: { path: 'x' }, trace: {} };
    const told = forServer(given);
    assert.equal(told.maxTurns, 3);
    for (const name of ['model', 'server', 'server.path', 'trace']) {
      assert.ok(!(name in told), name);
    }
  });

  for (const [how, hidden] of Object.entries(HIDDEN)) {
    it(`of the user alone are no folder's, ${how}`, async () => {
      const file = vscode.Uri.joinPath(folder().uri, '.vscode', 'settings.json');
      const section = (): vscode.WorkspaceConfiguration =>
        vscode.workspace.getConfiguration('claudeAgent', folder());
      await vscode.workspace.fs.writeFile(file, Buffer.from(JSON.stringify(hidden)));
      try {
        await eventually(() => section().get('maxTurns') === 7);
        const told = forServer({ ...section() });
        assert.equal(told.maxTurns, 7);
        assert.deepEqual(told.env, {});
        assert.deepEqual(told.mcpServers, {});
        assert.equal(told.permissionMode, 'default');
        assert.equal(configuredMode(), 'default');
        assert.deepEqual(serverSettings(), { path: undefined, python: undefined });
      } finally {
        await vscode.workspace.fs.delete(file);
        await eventually(() => section().get('maxTurns') !== 7);
      }
    });
  }

  it('are all known to the server: none is reported as wrong, and a wrong one is', async () => {
    const { locations } = await activated();
    const own = Object.entries(properties()).filter(
      ([name]) => !/^claudeAgent\.(server|trace|view|notifications|context)\b/.test(name),
    );
    const given = own.map(([name, about]) => [name.replace('claudeAgent.', ''), valueOf(name, about)] as const);
    assert.ok(given.length > 20);
    const told = await answering('showWarningMessage', () => undefined, async (messages) => {
      for (const [name, value] of given) {
        await settings().update(name, value, vscode.ConfigurationTarget.Global);
      }
      await locations.services.server.restart();
      await locations.services.server.execute('claudeAgent.status', {});
      assert.deepEqual(messages, []);
      await settings().update('maxTurns', -1, vscode.ConfigurationTarget.Global);
      await eventually(async () => {
        await locations.services.server.execute('claudeAgent.status', {});
        return messages.length > 0;
      });
    });
    assert.match(String(told[0]?.[0]), /maxTurns/);
    for (const [name] of given) {
      await settings().update(name, undefined, vscode.ConfigurationTarget.Global);
    }
    await locations.services.server.restart();
  });

  it('hold in full where VS Code trusts the folder: the server knows it', async () => {
    const { locations } = await activated();
    const status = await locations.services.server.execute('claudeAgent.status', {});
    assert.deepEqual(status.folders.map((each) => each.trusted), [true]);
  });

  it('maxTurns reaches the run', async () => {
    const conversation = await freshConversation();
    await having('maxTurns', 1, async () => {
      await conversation.choose({ mode: 'acceptEdits' });
      await command('ask', 'read on and on');
    });
    const ended = conversation.steps.at(-1);
    assert.ok(ended?.kind === 'event' && ended.event.kind === 'ended');
    assert.equal(ended.event.run.error?.reason, 'turnLimit');
  });

  it('permissionMode is what a new conversation begins in', async () => {
    await having('permissionMode', 'acceptEdits', async () => {
      assert.equal((await freshConversation()).choice.mode, 'acceptEdits');
    });
  });

  it('context.selection and context.diagnostics take the offer away', async () => {
    const uri = vscode.Uri.joinPath(folder().uri, 'hello.py');
    const editor = await vscode.window.showTextDocument(uri);
    editor.selection = new vscode.Selection(0, 0, 1, 0);
    const diagnostics = vscode.languages.createDiagnosticCollection('test');
    diagnostics.set(uri, [new vscode.Diagnostic(new vscode.Range(0, 0, 0, 4), 'no good')]);
    const offered = (): unknown => {
      const context = contextOf(editor);
      return [context?.range !== undefined, context?.diagnostics.length];
    };
    assert.deepEqual(offered(), [true, 1]);
    await having('context.selection', false, async () => {
      assert.deepEqual(offered(), [false, 1]);
      await having('context.diagnostics', false, async () => {
        assert.deepEqual(offered(), [false, 0]);
        await Promise.resolve();
      });
    });
    diagnostics.dispose();
  });

  it('notifications.questions says whether a question is also a notification', async () => {
    const { questions } = (await activated()).locations.services;
    for (const wanted of [false, true]) {
      const conversation = await freshConversation();
      await vscode.commands.executeCommand('workbench.view.explorer');
      await having('notifications.questions', wanted, async () => {
        const shown = await answering('showWarningMessage', () => undefined, async () => {
          const asked = conversation.ask('make four');
          const question = await eventually(() => questions.all[0]);
          await questions.answer(question.questionId, 'deny');
          await asked;
        });
        assert.equal(shown.length, wanted ? 1 : 0);
      });
    }
  });

  it('of the server are empty unless they are set', () => {
    assert.deepEqual(serverSettings(), { path: undefined, python: undefined });
  });

  it('have a description each', () => {
    for (const [name, { markdownDescription }] of Object.entries(properties())) {
      assert.ok(markdownDescription, name);
    }
  });

  it('model and effort reach the model, and env the tools', async () => {
    const { questions } = (await activated()).locations.services;
    for (const [name, value, said] of [
      ['model', 'claude-haiku-4-5', /I am claude-haiku-4-5/],
      ['effort', 'low', /think with low effort/],
    ] as const) {
      const asked = await freshConversation();
      await having(name, value, async () => {
        await command('ask', 'who are you?');
      });
      assert.match(wordsOf(asked), said);
    }
    const conversation = await freshConversation();
    await having('env', { FROM_THE_SETTINGS: 'it is here' }, async () => {
      const asked = command('ask', 'print it');
      const question = await eventually(() => questions.all[0]);
      await questions.answer(question.questionId, 'allow');
      await asked;
    });
    const results = conversation.steps.flatMap((step) =>
      step.kind === 'event' && step.event.kind === 'toolResult' ? [step.event.text] : [],
    );
    assert.deepEqual(results, ['it is here']);
  });
});
