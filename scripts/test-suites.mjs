// @ts-check
/** The two suites: what `npm test` and `npm run test:long` run, and what the files of a pattern need. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Files of tests that take more than ten seconds each: `kill.long.test.ts`, `steps.long.webgpu.browser.test.ts`. */
export const longTests = 'test/**/*.long.*test.ts';

/** Where the suite to run is passed to vitest.config.ts: 'default', 'long', or unset for all tests. */
export const suiteVariable = 'STUDIO_TEST_SUITE';

/**
 * @typedef {'default' | 'long' | 'all'} Suite
 */

/**
 * The include and exclude globs of a project in one suite.
 * @param {string} include
 * @param {readonly string[]} [exclude]
 * @param {string} [suite]
 * @returns {{ include: string[], exclude: string[] }}
 */
export function filesOfSuite(include, exclude = [], suite = process.env[suiteVariable] ?? 'all') {
  if (suite === 'default') return { include: [include], exclude: [...exclude, longTests] };
  if (suite !== 'long') return { include: [include], exclude: [...exclude] };
  // `x.long.webgpu.test.ts` belongs to the long tests of `*.webgpu.test.ts`.
  return { include: [include.replace('/*.', '/*.long.*')], exclude: [...exclude] };
}

const testFiles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => join(root, 'test', path));

/**
 * The test files that vitest's arguments name: those whose path contains an argument. Undefined if none names any.
 * @param {readonly string[]} args
 * @returns {string[] | undefined}
 */
export function filesNamedBy(args) {
  const patterns = args.filter((arg) => !arg.startsWith('-')).map((arg) => arg.replace(/:\d+$/, ''));
  const files = testFiles.filter((path) => patterns.some((pattern) => path.includes(pattern)));
  return files.length === 0 ? undefined : files;
}

/**
 * What has to be found before test files can run. What they start they build by themselves.
 * @param {readonly string[]} [files]
 * @returns {{ webgpu: boolean, chromium: boolean }}
 */
export function needsOf(files = testFiles) {
  return {
    webgpu: files.some((path) => path.endsWith('.webgpu.test.ts')),
    // End-to-end tests, and those of the browser's store, start a browser by themselves.
    chromium: files.some((path) => /\.(browser|e2e)\.test\.ts$|host[\\/]browser/.test(path)),
  };
}
