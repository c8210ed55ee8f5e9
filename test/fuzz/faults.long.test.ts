import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileHarness } from '../../scripts/fuzz.mjs';
import type { FuzzReport } from './fuzz.ts';

const faults = mkdtempSync(join(tmpdir(), 'fuzz-faults-'));
afterAll(() => rmSync(faults, { recursive: true, force: true }));
let folder = '';
beforeAll(() => {
  folder = compileHarness() ?? '';
});

/** The command over readers that are wrong on purpose. */
function fuzz(...args: readonly string[]): { readonly code: number | null; readonly out: string } {
  const planted = ['--formats', join(folder, 'planted.js'), '--faults', faults];
  // The collector's threads are busy, too, while a heap fills up.
  const seconds = args[0] === 'fills-the-heap' ? '10' : '0.2';
  const limits = ['--limit-seconds', seconds, '--limit-mb', '100'];
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(folder, 'main.js'), ...args, ...planted, ...limits],
    { encoding: 'utf8' },
  );
  return { code: status, out: stdout };
}

function reportOf(format: string, inputs: number): FuzzReport {
  const [report] = JSON.parse(fuzz(format, '--inputs', String(inputs), '--json').out) as [FuzzReport];
  return report;
}

it('finds nothing in a sound reader, and reads every input', () => {
  const { accepted, refused, faults: found, faulty } = reportOf('sound', 2000);
  expect(found).toEqual([]);
  expect([accepted + refused, faulty]).toEqual([2000, 0]);
  expect(refused).toBeGreaterThan(0);
});

it.each([
  ['throws', 'error', 40, /TypeError: .* \(test\/fuzz\/planted\.ts:\d+\)/],
  ['differs', 'difference', 40, /the sign was lost/],
  ['pollutes', 'pollution', 40, /Object\.prototype was changed/],
  ['two-lines', 'message', 40, /U\+000a/],
  ['rejects-later', 'error', 8, /nobody waits for this/],
  ['hangs', 'hang', 8, /not done/],
  ['never-ends', 'hang', 6, /not done/],
  ['takes-memory', 'memory', 8, /took \d+ MB/],
  ['fills-the-heap', 'memory', 8, /took \d+ MB|the heap is full/],
] as const)('finds what %s, makes it small and repeats it', (format, kind, inputs, detail) => {
  const { faults: found, accepted, refused, faulty } = reportOf(format, inputs);
  expect(accepted + refused + faulty).toBe(inputs);
  expect(found.map((fault) => fault.kind)).toEqual([kind]);
  const [fault] = found;
  expect(fault?.detail).toMatch(detail);
  expect(readFileSync(fault?.file ?? '', 'utf8')).toBe('!');
  expect(fault?.repeat).toBe(`npm run fuzz -- ${format} --seed 1 --only ${fault?.input ?? ''}`);
  for (const again of [
    ['--only', String(fault?.input)],
    ['--file', fault?.file ?? ''],
  ]) {
    const { code, out } = fuzz(format, '--seed', '1', ...again);
    expect([code, out]).toEqual([1, expect.stringMatching(new RegExp(`^${kind}: `, 'm'))]);
  }
});

it('refuses a format whose own example is refused', () => {
  expect(reportOf('refuses-its-example', 20).faults.map(({ kind }) => kind)).toContain('example');
});

it('reads the same inputs from any start', () => {
  const counts = (from: number): number => {
    const [report] = JSON.parse(fuzz('throws', '--inputs', '300', '--from', String(from), '--json').out) as [
      FuzzReport,
    ];
    return report.faulty;
  };
  const whole = counts(0);
  const start = reportOf('throws', 150).faulty;
  expect(start + counts(150)).toBe(whole);
});

it('says which formats there are where the name is wrong', () => {
  expect(fuzz('nothing').code).toBe(2);
});
