// Bundles the extension, its view and, with --tests, the tests that run in the extension host.
import { build } from 'esbuild';

const tests = process.argv.includes('--tests');

const common = {
  bundle: true,
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
};
const host = { ...common, platform: 'node', target: 'node22', format: 'cjs', external: ['vscode'] };

await build({
  ...host,
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  // How long the bundle takes to load is a part of activation.
  banner: { js: 'const loadingBegan = process.cpuUsage();' },
  footer: { js: 'const loading = process.cpuUsage(loadingBegan);' },
});
await build({
  ...common,
  entryPoints: ['view/main.ts', 'view/main.css'],
  outdir: 'dist/view',
  platform: 'browser',
  target: 'chrome138',
  format: 'iife',
  loader: { '.svg': 'dataurl' },
});
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
