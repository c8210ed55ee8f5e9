// @ts-check
/** The end of a test run, from what scripts/test-reporter.mjs recorded. */

/** @typedef {import('./test-reporter.mjs').Report} Report */
/** @typedef {{ file: string, name: string }} NamedTest */
/**
 * @typedef {object} Summary
 * @property {number} passed
 * @property {number} failed Tests, files that failed as a whole, and errors outside of any test.
 * @property {number} skipped
 * @property {Map<string, NamedTest[]>} skippedFor Skipped tests by their reason.
 * @property {number} onWebGpu Passed tests that have run a graph on a WebGPU device, in Node or in a browser.
 * @property {NamedTest[]} falseWebGpu Passed tests of *.webgpu.test.ts and *.webgpu.browser.test.ts that have not.
 * @property {{ file: string, seconds: number }[]} slowestFiles The ten slowest, slowest first.
 * @property {(NamedTest & { seconds: number })[]} slowTests Tests of the default suite that took too long for it.
 */

const webgpuTest = /\.webgpu(\.browser)?\.test\.ts$/;
const longTest = /\.long\.[^/\\]*test\.ts$/;
/** A test of the default suite that takes longer is named at the end of the run. */
export const secondsAllowed = 15;
const noReason = 'no reason stated';

/**
 * @param {Report} report
 * @returns {Summary}
 */
export function summarize({ files, unhandled }) {
  /** @type {Summary} */
  const summary = {
    ...{ passed: 0, failed: unhandled, skipped: 0, onWebGpu: 0 },
    ...{ skippedFor: new Map(), falseWebGpu: [], slowTests: [] },
    slowestFiles: files
      .map(({ path, seconds }) => ({ file: path, seconds }))
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, 10),
  };
  for (const { path, failed, tests } of files) {
    let failedHere = 0;
    for (const { name, state, seconds, webgpuRuns, skipReason } of tests) {
      const test = { file: path, name };
      if (seconds > secondsAllowed && !longTest.test(path)) summary.slowTests.push({ ...test, seconds });
      if (state === 'failed') {
        failedHere++;
      } else if (state === 'passed') {
        summary.passed++;
        if (!webgpuTest.test(path)) continue;
        if (webgpuRuns > 0) summary.onWebGpu++;
        else summary.falseWebGpu.push(test);
      } else {
        summary.skipped++;
        const reason = skipReason ?? noReason;
        summary.skippedFor.set(reason, [...(summary.skippedFor.get(reason) ?? []), test]);
      }
    }
    // A file that does not load, or whose hooks fail, has no failed test of its own.
    summary.failed += failed ? Math.max(failedHere, 1) : failedHere;
  }
  return summary;
}

/**
 * @param {{ passed: number, failed: number, skipped: number }} counts
 * @returns {string}
 */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
