import { describe, expect, it } from 'vitest';
import { closingLine, summarize } from '../../scripts/test-report.mjs';

type Test = [name: string, state: 'passed' | 'failed' | 'skipped', more?: object];

function file(path: string, ...tests: Test[]) {
  return {
    path,
    failed: tests.some(([, state]) => state === 'failed'),
    error: null,
    seconds: 1,
    tests: tests.map(([name, state, more]) => ({
      ...{ name, state, seconds: 0.1, webgpuRuns: 0, skipReason: null, error: null },
      ...more,
    })),
  };
}

describe('summarize', () => {
  it('counts what passed, failed and was skipped, and groups the skipped by their reason', () => {
    const noData = { skipReason: 'no data in /data' };
    const summary = summarize({
      files: [
        file('/p/a.test.ts', ['adds', 'passed'], ['subtracts', 'failed'], ['divides', 'skipped', noData]),
        file('/p/b.test.ts', ['multiplies', 'passed'], ['rounds', 'skipped', noData], ['waits', 'skipped']),
      ],
      unhandled: [],
    });
    expect(summary).toMatchObject({ passed: 2, failed: 1, skipped: 3, onWebGpu: 0, falseWebGpu: [] });
    expect([...summary.skippedFor]).toEqual([
      [
        'no data in /data',
        [
          { file: '/p/a.test.ts', name: 'divides' },
          { file: '/p/b.test.ts', name: 'rounds' },
        ],
      ],
      ['no reason stated', [{ file: '/p/b.test.ts', name: 'waits' }]],
    ]);
  });

  it('counts a file that does not load as one failure, and each error outside of a test', () => {
    const broken = { ...file('/p/c.test.ts'), failed: true };
    expect(summarize({ files: [broken], unhandled: [] })).toMatchObject({ passed: 0, failed: 1 });
    expect(summarize({ files: [broken], unhandled: ['worker ended', 'port closed'] })).toMatchObject({
      passed: 0,
      failed: 3,
    });
  });

  it('names each failure with the first line of its error', () => {
    const failing = file(
      '/p/a.test.ts',
      ['adds', 'passed'],
      ['subtracts', 'failed', { error: 'expected 1 to be 2' }],
    );
    const broken = { ...file('/p/c.test.ts', ['divides', 'passed']), failed: true, error: 'no such module' };
    const { failed, failures } = summarize({ files: [failing, broken], unhandled: ['worker ended'] });
    expect(failures).toEqual([
      'worker ended',
      '/p/a.test.ts: subtracts: expected 1 to be 2',
      '/p/c.test.ts: no such module',
    ]);
    expect(failed).toBe(3);
  });

  it('counts a WebGPU test only if a graph has run on the device', () => {
    const runs = (webgpuRuns: number): object => ({ webgpuRuns });
    const summary = summarize({
      files: [
        file(
          '/p/d.webgpu.test.ts',
          ['runs', 'passed', runs(3)],
          ['pretends', 'passed'],
          ['cannot', 'skipped'],
        ),
        file('/p/f.test.ts', ['is no WebGPU test', 'passed', runs(5)]),
        file('/p/g.webgpu.browser.test.ts', ['runs there', 'passed', runs(2)], ['only says so', 'passed']),
        file('/p/h.browser.test.ts', ['is no WebGPU test either', 'passed', runs(5)]),
        file('/p/i.long.webgpu.test.ts', ['runs long', 'passed', runs(1)]),
      ],
      unhandled: [],
    });
    expect(summary).toMatchObject({ passed: 7, onWebGpu: 3 });
    expect(summary.falseWebGpu.map(({ name }) => name)).toEqual(['pretends', 'only says so']);
  });

  it('names the ten slowest files, and tests over 15 s that are not in a file of long tests', () => {
    const files = Array.from({ length: 12 }, (_, i) => ({
      ...file(`/p/${i}.test.ts`, ['waits', 'passed', { seconds: i + 5 }]),
      seconds: i + 6,
    }));
    const long = { ...file('/p/k.long.e2e.test.ts', ['kills', 'passed', { seconds: 99 }]), seconds: 100 };
    const { slowestFiles, slowTests } = summarize({ files: [...files, long], unhandled: [] });
    expect(slowestFiles).toHaveLength(10);
    expect(slowestFiles.slice(0, 2)).toEqual([
      { file: '/p/k.long.e2e.test.ts', seconds: 100 },
      { file: '/p/11.test.ts', seconds: 17 },
    ]);
    expect(slowTests).toEqual([{ file: '/p/11.test.ts', name: 'waits', seconds: 16 }]);
  });
});

describe('closingLine', () => {
  it('is the line that tools read', () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: 1 })).toBe('3 passed, 0 failed, 1 skipped');
  });
});
