import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { USERS_ALONE } from '../src/settings';
import { activated, eventually, extension } from './support';

interface Contributed {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly keybindings: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly configuration: readonly {
      readonly properties: Readonly<Record<string, { readonly scope: string }>>;
    }[];
  };
}

describe('activation', () => {
  it('comes after the start, takes less than 100 ms of the processor and starts nothing', async () => {
    await eventually(() => extension().isActive);
    const { milliseconds, locations } = await activated();
    assert.equal(locations.services.server.state, 'stopped');
    assert.ok(milliseconds < 100, `${milliseconds} ms`);
  });

  it('registers every command that is contributed', async () => {
    const { contributes } = extension().packageJSON as Contributed;
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = contributes.commands.filter((each) => !registered.has(each.command));
    assert.deepEqual(missing, []);
  });

  it('names only contributed commands in menus and keys', () => {
    const { contributes } = extension().packageJSON as Contributed;
    const known = new Set(contributes.commands.map((each) => each.command));
    const named = [...contributes.keybindings, ...Object.values(contributes.menus).flat()];
    assert.deepEqual(named.filter((each) => !known.has(each.command)), []);
  });

  it('lets no folder set what could run code', () => {
    const { contributes } = extension().packageJSON as Contributed;
    const properties = Object.assign({}, ...contributes.configuration.map((each) => each.properties)) as
      Contributed['contributes']['configuration'][0]['properties'];
    const machine = Object.keys(properties).filter((name) => properties[name]?.scope === 'machine');
    assert.deepEqual(machine.sort(), USERS_ALONE.map((name) => `claudeAgent.${name}`).sort());
  });
});
