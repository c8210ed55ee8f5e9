// @ts-check
/**
 * `npm test` and `npm run test:long` [-- vitest's arguments]: installs what is missing, builds, runs the tests of the
 * suite in Node and in Chromium, and ends with the slowest files, how many tests ran on WebGPU, what was skipped and
 * why, and the line `N passed, N failed, N skipped`. Where the arguments name files, those run, whichever suite they
 * belong to, and only what they need is looked for.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installChromium, installPackages } from './install.mjs';
import { closingLine, secondsAllowed, summarize } from './test-report.mjs';
import { filesNamedBy, needsOf, suiteVariable } from './test-suites.mjs';
import { builtHost, findWebGpu } from './webgpu.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const isLong = process.argv.includes('--long');
const vitestArguments = process.argv.slice(2).filter((argument) => argument !== '--long');

/** @returns {Promise<number>} the exit code */
async function main() {
  const named = filesNamedBy(vitestArguments);
  const runsWholeSuite = vitestArguments.length === 0;
  installPackages();
  const builds = named !== undefined || (await build());

  const needs = needsOf(named);
  const chromium = needs.chromium ? await prepareChromium() : undefined;
  const webgpu = needs.webgpu ? await findWebGpu() : undefined;
  if (webgpu?.available === false) console.log(`WebGPU tests in Node will be skipped: ${webgpu.reason}.`);
  const suite = isLong ? 'long' : named === undefined ? 'default' : 'all';
  const environment = webgpu?.available === true ? webgpu.environment : {};
  const { summary, exitCode } = await runTests({ ...environment, [suiteVariable]: suite });

  const problems = [];
  if (!builds) problems.push('The build failed (see above).');
  for (const { file, name } of summary.falseWebGpu) {
    problems.push(`Named a WebGPU test, but ran nothing on WebGPU: ${shown(file)}: ${name}`);
  }
  // A part of the suite may well have no test for the GPU.
  if (runsWholeSuite && chromium === undefined && process.env.CI) problems.push('No test ran in a browser.');
  if (runsWholeSuite && summary.onWebGpu === 0 && (webgpu?.available === true || process.env.CI)) {
    problems.push(`No test ran on WebGPU${webgpu?.available === false ? `: ${webgpu.reason}` : ''}.`);
  }
  if (exitCode !== 0 && summary.failed === 0) problems.push('vitest reports an error (see above).');

  report(summary, webgpu, problems);
  const failed = summary.failed + problems.length;
  console.log(closingLine({ ...summary, failed }));
  return failed === 0 ? 0 : 1;
}

async function build() {
  console.log('Building …');
  return (await runNode([join(root, 'scripts', 'build.mjs')])) === 0;
}

/** @returns {Promise<string | undefined>} the browser of the tests, installed where there was none */
async function prepareChromium() {
  // Only now: on a fresh checkout the packages that it needs were not there before.
  const { testChromium } = await import('./chromium.mjs');
  const { findChromium } = await builtHost();
  const found = testChromium(findChromium());
  if (found !== undefined) return found;
  const remedy = installChromium();
  const installed = testChromium(findChromium());
  if (installed === undefined) {
    console.log(`Tests in a browser are left out: there is none. To run them, ${remedy ?? 'see above'}.`);
  }
  return installed;
}

/**
 * @param {ReturnType<typeof summarize>} summary
 * @param {Awaited<ReturnType<typeof findWebGpu>> | undefined} webgpu
 * @param {readonly string[]} problems
 */
function report(summary, webgpu, problems) {
  console.log('\nSlowest files:');
  for (const { file, seconds } of summary.slowestFiles) {
    console.log(`${seconds.toFixed(1).padStart(7)} s  ${shown(file)}`);
  }
  if (summary.slowTests.length > 0) {
    console.log(
      `\nTests over ${secondsAllowed} s, which belong in a *.long.test.ts file unless nothing shorter covers them:`,
    );
    for (const { file, name, seconds } of summary.slowTests) {
      console.log(`${seconds.toFixed(1).padStart(7)} s  ${shown(file)}: ${name}`);
    }
  }
  for (const [reason, tests] of summary.skippedFor) {
    const files = [...new Set(tests.map(({ file }) => shown(file)))].join(', ');
    console.log(`\nSkipped ${tests.length} (${reason}): ${files}`);
  }
  console.log('');
  for (const failure of summary.failures) console.log(`Failed: ${failure.replace(root, '')}`);
  for (const problem of problems) console.log(`Failed: ${problem}`);
  const count = `${summary.onWebGpu} test${summary.onWebGpu === 1 ? '' : 's'} ran on WebGPU`;
  console.log(webgpu === undefined ? count : `${count}${describe(webgpu)}`);
}

/** @param {Awaited<ReturnType<typeof findWebGpu>>} webgpu */
function describe(webgpu) {
  if (!webgpu.available) return ` (${webgpu.reason})`;
  return webgpu.software ? ' (in software)' : " (on this machine's GPU)";
}

/** @param {string} file */
function shown(file) {
  return relative(root, file);
}

/** @param {Record<string, string>} environment */
async function runTests(environment) {
  const folder = mkdtempSync(join(tmpdir(), 'retriever-studio-test-'));
  try {
    const file = join(folder, 'report.json');
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporter = join(root, 'scripts', 'test-reporter.mjs');
    const args = [vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...vitestArguments];
    const exitCode = await runNode(args, { ...environment, REPORT_FILE: file });
    return { summary: summarize(JSON.parse(readFileSync(file, 'utf8'))), exitCode };
  } catch (error) {
    console.error(`vitest left no report: ${error instanceof Error ? error.message : String(error)}`);
    return { summary: summarize({ files: [], unhandled: [] }), exitCode: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Passes a signal that ends this process on, so that no browser is left behind.
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 * @returns {Promise<number>} the exit code
 */
async function runNode(args, environment) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  const endings = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  const passOn = (/** @type {NodeJS.Signals} */ signal) => void child.kill(signal);
  for (const signal of endings) process.on(signal, passOn);
  const [code] = /** @type {[number | null]} */ (await once(child, 'exit'));
  for (const signal of endings) process.off(signal, passOn);
  return code ?? 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
}
