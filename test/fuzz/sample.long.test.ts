/** A sample of what `npm run fuzz` reads: bench/RESULTS-fuzz.md has the figures of long runs. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { compileHarness } from '../../scripts/fuzz.mjs';
import { formats } from './formats/index.ts';
import type { FuzzReport } from './fuzz.ts';

const INPUTS = 1000;
const reports = new Map<string, FuzzReport>();

beforeAll(() => {
  const folder = compileHarness() ?? '';
  const args = [join(folder, 'main.js'), 'all', '--inputs', String(INPUTS), '--seed', '1', '--json'];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 64e6 });
  for (const report of JSON.parse(stdout) as FuzzReport[]) reports.set(report.format, report);
}, 1_800_000);

it.each(formats.map(({ name }) => name))(`${INPUTS} inputs of %s are read or refused`, (name) => {
  const report = reports.get(name);
  const faults = report?.faults.map(({ kind, detail, repeat }) => `${kind}: ${detail}; ${repeat}`);
  expect(faults).toEqual([]);
  expect((report?.accepted ?? 0) + (report?.refused ?? 0)).toBe(INPUTS);
  expect(report?.accepted).toBeGreaterThan(0);
});
