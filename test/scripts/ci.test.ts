import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/cli.ts';

const script = fileURLToPath(new URL('../../.ci/run', import.meta.url));

/** Runs CI with an npm that does what is said for `test`, `test:long` and each check. */
function runCi(commands: Readonly<Record<string, string>>, limits: Readonly<Record<string, string>> = {}) {
  const bin = temporaryFolder();
  const cases = Object.entries(commands).map(([name, command]) => `${name}) ${command} ;;`);
  const npm = join(bin, 'npm');
  // `npm test`, `npm run test:long`, `npm run --silent lint`: the last word is the script's name.
  writeFileSync(npm, `#!/bin/sh\nfor name; do :; done\ncase "$name" in\n${cases.join('\n')}\nesac\n`);
  chmodSync(npm, 0o755);
  const { status, stdout } = spawnSync('bash', [script], {
    encoding: 'utf8',
    env: { ...process.env, ...limits, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

const suite = (onWebGpu: number, closing: string): string =>
  `echo "${onWebGpu} tests ran on WebGPU (in software)"; echo "${closing}"`;

it('adds up both suites, and prints a time for each part', () => {
  const { status, lines } = runCi({
    test: suite(200, '3000 passed, 0 failed, 9 skipped'),
    'test:long': suite(18, '81 passed, 0 failed, 3 skipped'),
  });
  expect(status).toBe(0);
  for (const part of ['tests', 'long-tests', 'checks']) {
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${part} +\\d+ s {2}ok$`)));
  }
  expect(lines).toContainEqual(expect.stringMatching(/^total +\d+ s$/));
  expect(lines.slice(-2)).toEqual(['218 tests ran on WebGPU', '3081 passed, 0 failed, 12 skipped']);
});

it('fails with a failing test of either suite, and runs the rest', () => {
  const { status, lines } = runCi({
    test: `echo "Failed: test/a.test.ts: adds"; ${suite(1, '5 passed, 2 failed, 0 skipped')}; exit 1`,
    'test:long': suite(1, '4 passed, 0 failed, 0 skipped'),
  });
  expect(status).toBe(1);
  expect(lines).toContainEqual(expect.stringMatching(/^tests +\d+ s {2}FAILED$/));
  expect(lines.at(-1)).toBe('9 passed, 2 failed, 0 skipped');
  // At the end once more: a log may be read from there.
  expect(lines.slice(-7)).toContain('Failed: test/a.test.ts: adds');
});

it('names the part that reaches its limit, and counts it as a failure', () => {
  const { status, lines } = runCi(
    { test: suite(1, '5 passed, 0 failed, 0 skipped'), 'test:long': 'exec sleep 30' },
    { CI_LONG_TEST_MINUTES: '0.005' },
  );
  expect(status).toBe(1);
  expect(lines).toContainEqual(
    expect.stringMatching(/^long-tests +\d+ s {2}FAILED: stopped at its limit of 0\.005 minutes$/),
  );
  expect(lines.at(-1)).toBe('5 passed, 1 failed, 0 skipped');
});

it.each(['lint', 'types', 'dead-code', 'build'])('fails where %s does, and names it', (check) => {
  const { status, lines } = runCi({
    test: suite(1, '5 passed, 0 failed, 0 skipped'),
    'test:long': suite(1, '1 passed, 0 failed, 0 skipped'),
    [check]: 'exit 3',
  });
  expect(status).toBe(1);
  expect(lines).toContain(`${check} FAILED`);
  expect(lines.at(-1)).toBe('6 passed, 1 failed, 0 skipped');
});

it('counts a suite that fails without a failed test, or leaves no closing line, as a failure', () => {
  const crashed = runCi({ test: 'exit 7', 'test:long': suite(1, '1 passed, 0 failed, 0 skipped') });
  expect(crashed.lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  const odd = runCi({
    test: `${suite(1, '5 passed, 0 failed, 0 skipped')}; exit 1`,
    'test:long': suite(1, '1 passed, 0 failed, 0 skipped'),
  });
  expect(odd.lines.at(-1)).toBe('6 passed, 1 failed, 0 skipped');
  expect(odd.status).toBe(1);
});
