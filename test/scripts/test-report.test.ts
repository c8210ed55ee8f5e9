import { describe, expect, it } from 'vitest';
import { closingLine, summarize } from '../../scripts/test-report.mjs';

function file(name: string, ...tests: [fullName: string, status: string, webgpuRuns?: number][]) {
  return {
    name,
    status: tests.some(([, status]) => status === 'failed') ? 'failed' : 'passed',
    assertionResults: tests.map(([fullName, status, webgpuRuns]) => ({
      fullName,
      status,
      meta: webgpuRuns === undefined ? {} : { webgpuRuns },
    })),
  };
}

describe('summarize', () => {
  it('counts what passed, failed and was skipped, and names the skipped', () => {
    const summary = summarize({
      testResults: [
        file('/p/a.test.ts', ['adds', 'passed'], ['subtracts', 'failed'], ['divides (no data)', 'skipped']),
        file('/p/b.test.ts', ['multiplies', 'passed'], ['to be written', 'todo']),
      ],
    });
    expect(summary).toMatchObject({ passed: 2, failed: 1, onWebGpu: 0, falseWebGpu: [] });
    expect(summary.skipped).toEqual([
      { file: '/p/a.test.ts', name: 'divides (no data)' },
      { file: '/p/b.test.ts', name: 'to be written' },
    ]);
  });

  it('counts a file that does not load as one failure', () => {
    const broken = { name: '/p/c.test.ts', status: 'failed', assertionResults: [] };
    expect(summarize({ testResults: [broken] })).toMatchObject({ passed: 0, failed: 1 });
  });

  it('counts a WebGPU test only if a graph has run on the device', () => {
    const summary = summarize({
      testResults: [
        file(
          '/p/d.webgpu.test.ts',
          ['runs', 'passed', 3],
          ['pretends', 'passed', 0],
          ['has no device', 'skipped', 0],
        ),
        file('/p/e.webgpu.test.ts', ['lacks the set-up', 'passed']),
        file('/p/f.test.ts', ['is no WebGPU test', 'passed', 5]),
        file(
          '/p/g.webgpu.browser.test.ts',
          ['runs in a browser', 'passed', 2],
          ['only says so', 'passed', 0],
        ),
        file('/p/h.browser.test.ts', ['is no WebGPU test either', 'passed', 5]),
      ],
    });
    expect(summary).toMatchObject({ passed: 7, onWebGpu: 2 });
    expect(summary.falseWebGpu.map(({ name }) => name)).toEqual([
      'pretends',
      'lacks the set-up',
      'only says so',
    ]);
  });
});

describe('closingLine', () => {
  it('is the line that tools read', () => {
    expect(closingLine({ passed: 3, failed: 0, skipped: 1 })).toBe('3 passed, 0 failed, 1 skipped');
  });
});
