// Fails where modules import each other in a circle, types included.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOTS = ['src', 'shared', 'view', 'test'];

/** Returns the modules below a directory that a module names: `import`, `import type`, `export from`. */
function importsOf(file) {
  return ts
    .preProcessFile(readFileSync(file, 'utf8'))
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => path.join(path.dirname(file), `${name}.ts`))
    .filter((name) => existsSync(name));
}

const modules = new Map(
  ROOTS.flatMap((root) => readdirSync(root, { recursive: true }).map((name) => path.join(root, name)))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => [name, importsOf(name)]),
);

/** Yields each circle once, beginning with the module that was met first. */
function* circles() {
  const done = new Set();
  function* walk(name, way) {
    const at = way.indexOf(name);
    if (at >= 0) {
      yield [...way.slice(at), name];
    } else if (!done.has(name)) {
      for (const next of modules.get(name)) {
        yield* walk(next, [...way, name]);
      }
      done.add(name);
    }
  }
  for (const name of modules.keys()) {
    yield* walk(name, []);
  }
}

const found = [...circles()];
for (const circle of found) {
  console.error(`Modules import each other: ${circle.join(' → ')}`);
}
process.exitCode = found.length > 0 ? 1 : 0;
