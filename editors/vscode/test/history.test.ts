import * as assert from 'node:assert/strict';
import type * as vscode from 'vscode';
import { PromptHistory } from '../src/history';

const folder = { uri: { toString: () => 'file:///p' } } as unknown as vscode.WorkspaceFolder;

/** A memento that keeps what JSON keeps, as VS Code's does. */
class State implements vscode.Memento {
  private readonly kept = new Map<string, string>();

  keys(): readonly string[] {
    return [...this.kept.keys()];
  }

  get<T>(key: string, otherwise?: T): T | undefined {
    const found = this.kept.get(key);
    return found === undefined ? otherwise : (JSON.parse(found) as T);
  }

  update(key: string, value: unknown): Promise<void> {
    this.kept.set(key, JSON.stringify(value));
    return Promise.resolve();
  }
}

describe('what was asked before', () => {
  it('is forgotten with the session it was asked in last', () => {
    const history = new PromptHistory(new State());
    history.add(folder, 'one', 'a');
    history.add(folder, 'both', 'a');
    history.add(folder, 'two', undefined); // it is still to begin
    history.add(folder, 'two', 'a');
    history.add(folder, 'both', 'b');
    history.add(folder, 'never came that far', undefined);
    assert.deepEqual(history.of(folder), ['one', 'two', 'both', 'never came that far']);
    history.forget(folder, 'a');
    assert.deepEqual(history.of(folder), ['both', 'never came that far']);
  });

  it('is still there where no session was noted', () => {
    const state = new State();
    void state.update('history file:///p', ['old']);
    const history = new PromptHistory(state);
    history.add(folder, 'new', 'a');
    history.forget(folder, 'a');
    assert.deepEqual(history.of(folder), ['old']);
  });
});
