import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Action } from '../shared/control';
import type { Question } from '../shared/protocol';
import { fileOf } from '../src/conversation/links';
import { nameOf, offeredFor } from '../src/notifications';
import { fetchingNothing, plain } from '../src/plainText';
import { Restarts, WITHIN_MS } from '../src/server/restarts';
import { agoOf, dayOf } from '../src/sessions/days';
import { adviceOf, marksOf } from '../src/sessions/marks';

describe('plain text', () => {
  it('shows no icon and runs no link', () => {
    assert.doesNotMatch(plain('$(trash) [x](command:evil)'), /\$\(|\]\(/);
  });

  it('is one line without marks that turn the direction', () => {
    assert.equal(plain('a\nb\u202Ec'), 'a b c');
  });

  it('is cut where it is too long', () => {
    assert.equal(plain('abcdef', 4), 'abc…');
  });
});

describe('a Markdown text that is previewed', () => {
  it('has no image and no HTML, and the same words', () => {
    const given = [
      '![a](https://x/y.png) ![b][c] [![d](e)](f)',
      '<img src="https://x/y"> <https://x> a < b <!-- c -->',
      '```\n![code] <b>\n```',
      '> ~~~ mermaid\n> A@{ img: "https://x/y", w: 1, h: 1 }',
      '````{.mermaid}',
    ].join('\n');
    const shown = fetchingNothing(given);
    assert.doesNotMatch(shown, /!\[|<[a-z/!?]|\bmermaid\b/i);
    assert.equal(shown.replaceAll('\u200b', ''), given);
  });
});

describe('a notification', () => {
  const options = ['deny', 'allow', 'allowSession'].map((value) => ({ value, label: value }));
  const question = (detail: string, more: Partial<Question> = {}): Question => ({
    questionId: 'q',
    runId: 'r',
    sessionId: 's',
    kind: 'permission',
    title: 'Run it?',
    detail,
    options,
    deadline: '2026-11-25T12:00:00Z',
    ...more,
  });
  const action = (more: Partial<Action>): Action => ({ subject: '', tool: 'Bash', ...more });

  it('allows a command of one line, with what it grants', () => {
    const detail = 'touch one\n\nFor this session: `touch *`';
    const asked = question(detail, { action: action({ command: 'touch one' }) });
    assert.equal(offeredFor(asked), options);
  });

  it('allows what is one line each', () => {
    const fetch = action({ tool: 'WebFetch' });
    const notes = ['url: https://a.b', 'prompt: Sum it up'];
    assert.equal(offeredFor(question(notes.join('\n'), { action: fetch, notes })), options);
  });

  it('allows nothing that has lines of its own, or is cut', () => {
    const deny = options.slice(0, 1);
    for (const command of ['sleep 1 # only waits\ntouch one', `echo ${'x'.repeat(300)}`]) {
      assert.deepEqual(offeredFor(question(command, { action: action({ command }) })), deny);
    }
    const diff = '--- a.py\n+++ a.py\n@@ -1 +1 @@\n-one\n+two';
    const edit = action({ tool: 'Edit', path: 'a.py' });
    assert.deepEqual(offeredFor(question('a.py', { action: edit, diff })), deny);
    assert.deepEqual(offeredFor(question('# Plan', { document: '# Plan\n\n1. Do' })), deny);
    const other = action({ tool: 'mcp__x__run' });
    const notes = ['command: sh', 'script: # only waits\ntouch one'];
    assert.deepEqual(offeredFor(question(notes.join('\n'), { action: other, notes })), deny);
    assert.deepEqual(offeredFor(question('a\nb')), deny);
  });

  it('lets the user choose between what has a line each', () => {
    assert.equal(offeredFor(question('Red: warm\nBlue: cold', { kind: 'choice' })), options);
  });

  it('names its answers without the marks of Markdown', () => {
    const option = { value: 'allowAlways', label: 'Always allow `touch *`' };
    assert.equal(nameOf(option), 'Always allow touch *');
  });
});

describe('links', () => {
  const folder = vscode.Uri.file('/project');
  it('lead to files, at their line', () => {
    for (const [href, name, line] of [
      ['src/a.py', '/project/src/a.py', undefined],
      ['src/a.py#L3', '/project/src/a.py', 2],
      ['src/a.py:3:7', '/project/src/a.py', 2],
      ['/other/b%20c.md', '/other/b c.md', undefined],
      ['file:///other/b.md#L1', '/other/b.md', 0],
    ] as const) {
      const found = fileOf(href, folder);
      assert.equal(found?.uri.fsPath, path.normalize(name), href);
      assert.equal(found.line, line, href);
    }
  });

  it('lead to nothing that is no file', () => {
    for (const href of ['command:x', 'javascript:alert(1)', 'vscode://x/y', 'data:text/html,x', '']) {
      assert.equal(fileOf(href, folder), undefined, href);
    }
  });
});

describe('days', () => {
  const now = new Date(2026, 10, 25, 12);
  it('are named as people do', () => {
    assert.equal(dayOf(new Date(2026, 10, 25, 0, 1), now), 'Today');
    assert.equal(dayOf(new Date(2026, 10, 24, 23, 59), now), 'Yesterday');
    assert.equal(dayOf(new Date(2026, 10, 20), now), 'Friday');
    assert.equal(dayOf(new Date(2026, 9, 1), now), 'October 2026');
  });

  it('are counted in short', () => {
    assert.equal(agoOf(new Date(2026, 10, 25, 11, 57), now), '3 min');
    assert.equal(agoOf(new Date(2026, 10, 25, 9), now), '3 h');
    assert.equal(agoOf(new Date(2026, 10, 20, 12), now), '5 d');
  });
});

describe('marks of a session', () => {
  const session = {
    sessionId: 'a',
    title: 'A',
    workspace: 'file:///old/a%20b',
    lastModified: '2026-01-02T03:04:05.000Z',
    running: false,
    current: false,
    interrupted: false,
    pinned: false,
    archived: false,
    origin: 'editor',
  } as const;
  it('tell where it is from, and when it goes', () => {
    assert.deepEqual([...marksOf(session), ...adviceOf(session)], []);
    const gone = { ...session, elsewhere: 'gone', goesAt: '2026-02-03T12:00:00.000Z' } as const;
    const day = new Date(2026, 1, 3).toLocaleDateString();
    assert.deepEqual(marksOf(gone), ['from a b, which is gone', `deleted on ${day}`]);
    assert.equal(adviceOf(gone).length, 2);
    assert.deepEqual(marksOf({ ...session, elsewhere: 'worktree' }), ['in a b']);
  });
});

describe('restarts', () => {
  it('are four within three minutes, and counted anew after them', () => {
    let time = 0;
    const restarts = new Restarts(() => time);
    const five = [1, 2, 3, 4, 5].map(() => restarts.allowed());
    assert.deepEqual(five, [true, true, true, true, false]);
    time += WITHIN_MS + 1;
    assert.equal(restarts.allowed(), true);
  });
});
