// @ts-check
/** What the JSON report of a vitest run says, in the lines that `npm test` ends with. */

/**
 * @typedef {object} Assertion
 * @property {string} fullName
 * @property {string} status
 * @property {{ webgpuRuns?: number }} [meta] How many graphs had run on WebGPU when the test ended.
 */
/**
 * @typedef {object} Report The part of vitest's JSON report that is read here.
 * @property {{ name: string, status: string, assertionResults: Assertion[] }[]} testResults
 */
/**
 * @typedef {object} Summary
 * @property {number} passed
 * @property {number} failed Tests, and files that failed as a whole.
 * @property {{ file: string, name: string }[]} skipped
 * @property {number} onWebGpu Passed tests that have run a graph on a WebGPU device, in Node or in a browser.
 * @property {{ file: string, name: string }[]} falseWebGpu Passed tests of *.webgpu.test.ts and *.webgpu.browser.test.ts that have not.
 */

const webgpuTest = /\.webgpu(\.browser)?\.test\.ts$/;

/**
 * @param {Report} report
 * @returns {Summary}
 */
export function summarize(report) {
  /** @type {Summary} */
  const summary = { passed: 0, failed: 0, skipped: [], onWebGpu: 0, falseWebGpu: [] };
  for (const { name: file, status, assertionResults } of report.testResults) {
    let failedHere = 0;
    for (const { fullName, status: outcome, meta } of assertionResults) {
      const test = { file, name: fullName.trim() };
      if (outcome === 'failed') {
        failedHere++;
      } else if (outcome === 'passed') {
        summary.passed++;
        if (!webgpuTest.test(file)) continue;
        if ((meta?.webgpuRuns ?? 0) > 0) summary.onWebGpu++;
        else summary.falseWebGpu.push(test);
      } else {
        summary.skipped.push(test);
      }
    }
    // A file that does not load, or whose hooks fail, has no failed test of its own.
    summary.failed += status === 'failed' ? Math.max(failedHere, 1) : failedHere;
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
