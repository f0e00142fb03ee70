/** Runs the tests in the extension host; the results go to a file, where it is wanted. */
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

interface Result {
  readonly name: string;
  readonly error: string | undefined;
  readonly milliseconds: number | undefined;
}

/** Called by VS Code. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'spec', ...some() });
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await import('./suites');
  const results: Result[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on('pass', (test) => results.push(resultOf(test, undefined)));
    runner.on('fail', (test, error: Error) => results.push(resultOf(test, error.stack)));
  });
  const file = process.env.EXTENSION_TEST_RESULTS;
  if (file !== undefined) {
    writeFileSync(file, JSON.stringify(results));
  }
  if (failures > 0) {
    throw new Error(`${failures} tests failed`);
  }
}

/** Which tests run: all, but for who names a part of their names. */
function some(): { readonly grep?: string } {
  const grep = process.env.EXTENSION_TEST_GREP;
  return grep === undefined ? {} : { grep };
}

function resultOf(test: Mocha.Runnable, error: string | undefined): Result {
  return { name: test.fullTitle(), error, milliseconds: test.duration };
}
