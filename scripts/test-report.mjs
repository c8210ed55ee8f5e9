// @ts-check
/** The end of a test run, from what scripts/test-reporter.mjs recorded. */

/** @typedef {import('./test-reporter.mjs').Report} Report */
/** @typedef {{ file: string, name: string }} NamedTest */
/**
 * @typedef {object} Summary
 * @property {number} passed
 * @property {number} failed Tests, files that failed as a whole, and errors outside of any test.
 * @property {string[]} failures One line for each failed: file, test and the first line of the error.
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
    ...{ passed: 0, failed: unhandled.length, failures: [...unhandled], skipped: 0, onWebGpu: 0 },
    ...{ skippedFor: new Map(), falseWebGpu: [], slowTests: [] },
    slowestFiles: files
      .map(({ path, seconds }) => ({ file: path, seconds }))
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, 10),
  };
  for (const { path, failed, error: fileError, tests } of files) {
    let failedHere = 0;
    for (const { name, state, seconds, webgpuRuns, skipReason, error } of tests) {
      const test = { file: path, name };
      if (seconds > secondsAllowed && !longTest.test(path)) summary.slowTests.push({ ...test, seconds });
      if (state === 'failed') {
        failedHere++;
        summary.failures.push([path, name, error].filter(Boolean).join(': '));
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
    if (failed && failedHere === 0) {
      failedHere = 1;
      summary.failures.push([path, fileError].filter(Boolean).join(': '));
    }
    summary.failed += failedHere;
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
