import * as assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { FileLists } from '../../src/context/files';
import { eventually, replacing } from '../support';

const MANY = 20_000;
const PROMPT_MS = 100;

/** Makes a folder with files in it. */
async function folderWith(...files: readonly string[]): Promise<vscode.WorkspaceFolder> {
  const place = await mkdtemp(path.join(os.homedir(), 'files-'));
  for (const file of files) {
    await mkdir(path.dirname(path.join(place, file)), { recursive: true });
    await writeFile(path.join(place, file), 'x');
  }
  return { uri: vscode.Uri.file(place), name: 'files', index: 0 };
}

describe('files to be named in a prompt', () => {
  const lists = new FileLists();
  after(() => lists.dispose());

  it('are found by parts of their path, the best first', async () => {
    const folder = await folderWith('src/shop/cart.py', 'src/cartoon.md', 'docs/shopping-cart.md', 'art/c.txt');
    const found = async (query: string): Promise<readonly string[]> => lists.find(query, folder);
    assert.equal((await found('cart.py'))[0], 'src/shop/cart.py');
    assert.equal((await found('shocapy'))[0], 'src/shop/cart.py');
    assert.equal((await found('sh/ca'))[0], 'src/shop/cart.py');
    assert.equal((await found('CARTO'))[0], 'src/cartoon.md');
    assert.equal((await found('cart'))[0], 'src/shop/cart.py');
    assert.deepEqual(await found('nothing-like-it'), []);
    assert.equal((await found('')).length, 4);
  });

  it('are none that search leaves out, or git ignores', async () => {
    const ignored = ['build/made.py', 'src/made.log', 'my dir/größe.log', 'node_modules/made/made.js'];
    const folder = await folderWith('src/made.py', 'src/build.py', ...ignored);
    const place = folder.uri.fsPath;
    await writeFile(path.join(place, '.gitignore'), '/build\n*.log\n');
    assert.deepEqual((await lists.find('made', folder)).toSorted(), ['build/made.py', 'src/made.log', 'src/made.py']);
    execFileSync('git', ['init', '--quiet', place]);
    const others = new FileLists();
    assert.deepEqual(await others.find('made', folder), ['src/made.py']);
    assert.deepEqual(await others.find('größe', folder), []);
    assert.equal((await others.find('build', folder))[0], 'src/build.py');
    others.dispose();
  });

  it('have git run nothing that a folder without trust names, and no monitor anywhere', async () => {
    const folder = await folderWith('a.py', 'b.log', '.gitignore');
    const place = folder.uri.fsPath;
    await writeFile(path.join(place, '.gitignore'), '*.log\n');
    execFileSync('git', ['init', '--quiet', place]);
    execFileSync('git', ['-C', place, 'config', 'core.fsmonitor', `touch '${place}/ran'; false`]);
    for (const isTrusted of [false, true]) {
      await replacing(vscode.workspace, 'isTrusted', isTrusted, async () => {
        const others = new FileLists();
        assert.deepEqual(await others.find('log', folder), isTrusted ? [] : ['b.log']);
        assert.deepEqual(await others.find('ran', folder), []);
        others.dispose();
      });
    }
  });

  it(`are there within ${PROMPT_MS} ms of the key among ${MANY}, and the new ones with the next`, async () => {
    const names = Array.from({ length: MANY }, (_, each) => `part${each % 200}/module${each}.ts`);
    const folder = await folderWith(...names);
    lists.prepare(folder);
    await lists.find('', folder);
    for (const query of ['', 'm', 'mo', 'module19999', 'p7mod7', 'nothing']) {
      const began = process.cpuUsage(); // others work beside the test
      const found = await lists.find(query, folder);
      const { user, system } = process.cpuUsage(began);
      const took = (user + system) / 1000;
      assert.ok(took < PROMPT_MS, `${query}: ${took} ms`);
      assert.equal(found.length > 0, query !== 'nothing', query);
    }
    await writeFile(path.join(folder.uri.fsPath, 'quite-new.ts'), 'x');
    await eventually(async () => (await lists.find('quite-new', folder)).length === 1);
    await rm(folder.uri.fsPath, { recursive: true });
  });
});
