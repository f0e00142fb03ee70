// The licences of the packages that go into the bundles, as they want to be passed on.
import { readFile, readdir } from 'node:fs/promises';
import * as path from 'node:path';

const LICENCE = /^licen[cs]e/i;
const OTHERS = /^(notice|third-?party-?notices)/i;

/**
 * Returns the name, version, licence and licence texts of each package.
 *
 * @param inputs The files that were bundled, as in esbuild's metafile.
 * @throws A package has no licence that could be passed on.
 */
export async function notices(inputs) {
  const directories = new Set(inputs.map(packageOf).filter((each) => each !== undefined));
  const all = await Promise.all([...directories].map(notice));
  const packages = [...new Set(all)].sort();
  return `The extension is built with code of these packages.\n\n${packages.join('\n')}`;
}

function packageOf(input) {
  return /^.*\bnode_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

async function notice(directory) {
  const { name, version, license } = JSON.parse(await readFile(path.join(directory, 'package.json'), 'utf8'));
  const files = (await readdir(directory)).sort();
  if (license === undefined || !files.some((file) => LICENCE.test(file))) {
    throw new Error(`${name} goes into a bundle, and has no licence to be passed on`);
  }
  const wanted = files.filter((file) => LICENCE.test(file) || OTHERS.test(file));
  const texts = await Promise.all(wanted.map((file) => readFile(path.join(directory, file), 'utf8')));
  const rule = '='.repeat(80);
  const text = texts.map((each) => each.replaceAll('\r\n', '\n').trim()).join('\n\n');
  return `${rule}\n${name} ${version} (${license})\n${rule}\n\n${text}\n`;
}
