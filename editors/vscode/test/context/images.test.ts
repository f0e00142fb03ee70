import * as assert from 'node:assert/strict';
import { readFile, readdir, stat, utimes } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { keepImage } from '../../src/context/images';
import { handleMessage } from '../../src/conversation/viewMessages';
import { activated, command, freshConversation } from '../support';

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PASTED = { name: 'image.png', kind: 'image/png', base64: PIXEL };

describe('a picture that is pasted', () => {
  it('goes with the next prompt of its conversation, and comes back with it', async () => {
    const conversation = await freshConversation();
    await command('ask', 'hello');
    const { locations } = await activated();
    const view = await locations.sideBar.reveal();
    await handleMessage({ type: 'attachImage', ...PASTED }, view);
    const attached = (): number => view.composer.items().filter(({ kind }) => kind === 'attachment').length;
    assert.equal(attached(), 1);
    await command('newSession');
    assert.equal(attached(), 0);
    await locations.open(conversation.sessionId ?? '', conversation.folder);
    assert.equal(attached(), 1);
    await handleMessage({ type: 'send', prompt: 'what is this?', how: 'queue' }, view);
    assert.equal(attached(), 0);
    const { messages } = await locations.services.server.execute('claudeAgent.session.read', {
      sessionId: conversation.sessionId ?? '',
      limit: 10,
    });
    const [sent = ''] = messages.flatMap(({ attachments }) => attachments ?? []);
    assert.match(sent, /\/images\/image-[0-9a-f]{12}\.png$/);
    assert.equal((await readFile(vscode.Uri.parse(sent).fsPath)).toString('base64'), PIXEL);
  });

  it('is kept for a month, and nobody else may read it', async () => {
    const storage = path.join(os.homedir(), 'pasted');
    const first = vscode.Uri.parse(await keepImage({ ...PASTED, name: '../../x/a.png' }, storage)).fsPath;
    assert.equal(path.dirname(first), path.join(storage, 'images'));
    assert.equal((await stat(first)).mode & 0o77, 0);
    const long = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
    await utimes(first, long, long);
    await keepImage({ ...PASTED, name: 'b.png' }, storage);
    assert.deepEqual((await readdir(path.join(storage, 'images'))).map((name) => name[0]), ['b']);
  });

  it('is refused if it is none, or too large', async () => {
    const storage = path.join(os.homedir(), 'pasted');
    await assert.rejects(keepImage({ ...PASTED, kind: 'image/svg+xml' }, storage), /no picture/);
    const large = Buffer.alloc(21 * 1024 * 1024).toString('base64');
    await assert.rejects(keepImage({ ...PASTED, base64: large }, storage), /larger than 20 MB/);
  });
});
