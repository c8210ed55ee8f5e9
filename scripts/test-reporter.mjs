// @ts-check
/** A vitest reporter that writes what `npm test` reports at the end: a {@link Report} as JSON, to REPORT_FILE. */
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/**
 * @typedef {object} TestRecord
 * @property {string} name With the names of its suites.
 * @property {'passed' | 'failed' | 'skipped' | 'pending'} state
 * @property {number} seconds With its hooks.
 * @property {number} webgpuRuns Graphs that had run on WebGPU in this file when the test ended.
 * @property {string | null} skipReason
 * @property {string | null} error The first line of what made it fail.
 */
/**
 * @typedef {object} FileRecord
 * @property {string} path
 * @property {boolean} failed Also where a hook failed, or the file could not be loaded.
 * @property {string | null} error Of the file itself, or of a hook: the first line.
 * @property {number} seconds With loading, hooks and set-up.
 * @property {TestRecord[]} tests
 */
/**
 * @typedef {object} Report
 * @property {FileRecord[]} files
 * @property {string[]} unhandled Errors outside of any test: the first line of each.
 */

export default class TestReporter {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    const file = process.env.REPORT_FILE;
    if (file === undefined) return;
    /** @type {Report} */
    const report = { files: modules.map(fileRecord), unhandled: unhandled.map(firstLine) };
    writeFileSync(file, JSON.stringify(report));
  }
}

/**
 * @param {import('vitest/node').TestModule} module
 * @returns {FileRecord}
 */
function fileRecord(module) {
  const inBrowser = module.project.isBrowserEnabled();
  const { duration, collectDuration, prepareDuration, setupDuration } = module.diagnostic();
  return {
    path: module.moduleId,
    failed: module.state() === 'failed',
    error: firstError([
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
    ]),
    // A file of a browser counts from the start of the browser what it waits for others.
    seconds: (duration + (inBrowser ? 0 : collectDuration + prepareDuration + setupDuration)) / 1000,
    tests: [...module.children.allTests()].map((test) => {
      const meta = test.meta();
      return {
        name: test.fullName,
        state: test.result().state,
        seconds: (test.diagnostic()?.duration ?? 0) / 1000,
        webgpuRuns: meta.webgpuRuns ?? 0,
        skipReason: meta.skipReason ?? null,
        error: firstError(test.result().errors ?? []),
      };
    }),
  };
}

/** @param {readonly unknown[]} errors */
function firstError(errors) {
  return errors.length === 0 ? null : firstLine(errors[0]);
}

/** @param {unknown} error As vitest hands it over: an object with a message, no longer an Error. */
function firstLine(error) {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return stripVTControlCharacters(String(message)).split('\n', 1)[0] ?? '';
}
