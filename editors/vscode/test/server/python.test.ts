import * as assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { access, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { zipSync } from 'fflate';
import * as vscode from 'vscode';
import { ServerFailure } from '../../src/server/failure';
import { findPython } from '../../src/server/python';
import { tell } from '../../src/server/remedies';
import { installPython, pythonIn } from '../../src/server/uv';
import { activated, answering, executable, failing, replacing } from '../support';

/** The Python extension, as far as it is asked for what the user has selected. */
function pythonExtension(selected: string): unknown {
  const environments = {
    getActiveEnvironmentPath: () => ({ path: selected }),
    resolveEnvironment: () => Promise.resolve({ executable: { uri: vscode.Uri.file(selected) } }),
  };
  return { activate: () => Promise.resolve({ environments }) };
}

describe('a Python for the server', () => {
  it('is the one that is configured', async () => {
    const python = await executable('python-new', 'echo 3.12');
    assert.equal(await findPython(python), python);
  });

  it('must be new enough', async () => {
    const python = await executable('python-old', 'echo 3.9');
    const failure = await failing(findPython(python));
    assert.equal(failure.reason, 'pythonTooOld');
    assert.match(failure.message, /3\.9/);
    assert.deepEqual(failure.remedies, ['choosePython', 'installPython']);
  });

  it('must be there', async () => {
    const failure = await failing(findPython('/nowhere/python3'));
    assert.equal(failure.reason, 'pythonMissing');
  });

  it('is that of the Python extension, but in Restricted Mode, where a folder may bring it', async () => {
    const ran = path.join(os.homedir(), 'selected-ran');
    const selected = await executable('python-selected', `touch '${ran}'; echo 3.12`);
    await replacing(vscode.extensions, 'getExtension', () => pythonExtension(selected), async () => {
      await replacing(vscode.workspace, 'isTrusted', false, async () => {
        assert.notEqual(await findPython(undefined).catch(() => undefined), selected);
      });
      await assert.rejects(access(ran));
      assert.equal(await findPython(undefined), selected);
    });
  });
});

describe('a Python on the PATH', () => {
  const isFoundAs = async (name: string, script: string, wanted: string): Promise<void> => {
    const directory = path.dirname(await executable(name, script));
    const before = process.env.PATH;
    process.env.PATH = directory;
    try {
      assert.equal(await findPython(undefined), wanted);
    } finally {
      process.env.PATH = before;
      await rm(directory, { recursive: true });
    }
  };

  for (const name of ['python3', 'python', 'python3.14', 'python3.13', 'python3.12', 'python3.11']) {
    it(`is found as ${name}`, async () => isFoundAs(name, 'echo 3.12', name));
  }

  it('that is too old is passed by for another', async () => {
    await executable('python3', 'echo 3.9');
    await isFoundAs('python3.11', 'echo 3.11', 'python3.11');
  });

  it("is found by Windows' launcher, and by uv", async () => {
    for (const [finder, wanted] of [
      ['py', '-3 -c import sys; print(sys.executable)'],
      ['uv', 'python find --no-project --system --no-python-downloads >=3.11'],
    ] as const) {
      const found = path.join(os.homedir(), `found-by-${finder}`);
      await writeFile(found, '#!/bin/sh\necho 3.13\n', { mode: 0o755 });
      await isFoundAs(finder, `[ "$*" = '${wanted}' ] && echo '${found}'`, found);
    }
  });
});

describe('a Python for who has none', () => {
  // Stands in for uv: makes a Python where it is told to.
  const uv = `
case "$1 $2 $3 $5 $8 $9" in
  "--version"*) echo uv 1 ;;
  "python install --install-dir --no-bin --no-progress 3.13")
    mkdir -p "$4/cpython-3.13.1-linux/bin"
    printf '#!/bin/sh\necho 3.13\n' >"$4/cpython-3.13.1-linux/bin/python3"
    chmod +x "$4/cpython-3.13.1-linux/bin/python3" ;;
  *) exit 1 ;;
esac`;
  const wheel = zipSync({ 'uv-1.0.data/scripts/uv': Buffer.from(`#!/bin/sh\n${uv}\n`) });
  const names = ['uv-1.0-py3-none-win_amd64.whl', 'uv-1.0.tar.gz', 'uv-1.0-py3-none-manylinux_2_17_x86_64.whl'];
  const asked: string[] = [];
  let sha256 = '';
  let index: Server;
  const { PATH } = process.env;

  before(async () => {
    process.env.PATH = '/usr/bin:/bin'; // without a uv that the user has
    index = createServer(({ url = '', headers }, response) => {
      asked.push(`${url} ${headers.accept ?? ''}`);
      const files = names.map((filename) => ({ filename, url: `../files/${filename}`, hashes: { sha256 } }));
      response.end(url === '/simple/uv/' ? JSON.stringify({ files }) : wheel);
    });
    await new Promise<void>((resolve) => index.listen(0, '127.0.0.1', resolve));
    const { port } = index.address() as AddressInfo;
    process.env.UV_DEFAULT_INDEX = `http://127.0.0.1:${port}/simple`;
  });
  after(() => {
    process.env.PATH = PATH;
    delete process.env.UV_DEFAULT_INDEX;
    index.close();
  });

  it('is installed by a uv of the package index, once that is what the index says', async () => {
    const storage = path.join(os.homedir(), 'no-python');
    sha256 = 'another';
    const failure = await failing(installPython(storage));
    assert.match(failure.message, /uv-1\.0-py3-none-manylinux_2_17_x86_64\.whl is not what 127/);
    assert.equal(await pythonIn(storage), undefined);
    sha256 = createHash('sha256').update(wheel).digest('hex');
    await installPython(storage);
    const python = await pythonIn(storage);
    assert.equal(python, path.join(storage, 'python', 'cpython-3.13.1-linux', 'bin', 'python3'));
    assert.deepEqual(asked.slice(-2), [
      '/simple/uv/ application/vnd.pypi.simple.v1+json',
      '/simple/files/uv-1.0-py3-none-manylinux_2_17_x86_64.whl */*',
    ]);
    const before = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      await assert.rejects(findPython(undefined));
      assert.equal(await findPython(undefined, python), python);
    } finally {
      process.env.PATH = before;
    }
  });

  it('is installed only if the user agrees to what is told', async () => {
    const { services } = (await activated()).locations;
    const storage = path.join(os.homedir(), 'agreed');
    const installation = { ...services.server.installation, storage };
    const restarts: string[] = [];
    const server = { installation, restart: () => Promise.resolve(restarts.push('restarted')) };
    const failure = new ServerFailure('pythonMissing', 'Claude Agent needs Python.', ['installPython']);
    for (const choice of [undefined, 'Install']) {
      const asked = await answering('showInformationMessage', () => choice, async () => {
        await answering('showErrorMessage', () => 'Install Python…', async () => {
          await tell(failure, server as unknown as Parameters<typeof tell>[1], services.log);
        });
      });
      assert.match(JSON.stringify(asked[0]), /"modal":true.*uv \(about 20 MB\) from 127\.0\.0\.1/);
      assert.equal((await pythonIn(storage)) !== undefined, choice === 'Install');
      assert.equal(restarts.length, choice === 'Install' ? 1 : 0);
    }
  });
});
