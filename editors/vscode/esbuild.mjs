// Bundles the extension, its view and, with --tests, the tests that run in the extension host.
import { writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { notices } from './notices.mjs';

const tests = process.argv.includes('--tests');

const common = {
  bundle: true,
  minify: true,
  legalComments: 'none', // all is in dist/ThirdPartyNotices.txt
  metafile: true,
  logLevel: 'warning',
};
const host = { ...common, platform: 'node', target: 'node22', format: 'cjs', external: ['vscode'] };

const extension = await build({
  ...host,
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  // How long the bundle takes to load is a part of activation.
  banner: { js: 'const loadingBegan = process.cpuUsage();' },
  footer: { js: 'const loading = process.cpuUsage(loadingBegan);' },
});
const view = await build({
  ...common,
  entryPoints: ['view/main.ts', 'view/main.css'],
  outdir: 'dist/view',
  platform: 'browser',
  target: 'chrome138',
  format: 'iife',
  loader: { '.svg': 'dataurl' },
});
const bundled = [extension, view].flatMap(({ metafile }) => Object.keys(metafile.inputs));
await writeFile('dist/bundled.json', JSON.stringify(bundled));
await writeFile('dist/ThirdPartyNotices.txt', await notices(bundled));
if (tests) {
  await build({
    ...host,
    minify: false,
    sourcemap: 'inline',
    external: ['vscode', 'mocha'],
    entryPoints: ['test/index.ts'],
    outfile: 'out/test/index.js',
  });
}
