// @ts-check
/**
 * `npm test [-- vitest's arguments]`: installs what is missing, builds, runs the tests in Node and in Chromium, and
 * ends with how many ran on WebGPU, what was skipped and why, and the line `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installChromium, installPackages } from './install.mjs';
import { closingLine, summarize } from './test-report.mjs';
import { builtHost, findWebGpu } from './webgpu.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitestArguments = process.argv.slice(2);

/** @returns {Promise<number>} the exit code */
async function main() {
  installPackages();
  console.log('Building …');
  const builds = runNode([join(root, 'scripts', 'build.mjs')]) === 0;

  const chromium = await prepareChromium();
  const webgpu = await findWebGpu();
  if (!webgpu.available) console.log(`WebGPU tests in Node will be skipped: ${webgpu.reason}.`);
  const { summary, exitCode } = runTests(webgpu.available ? webgpu.environment : {});

  const problems = [];
  if (!builds) problems.push('The build failed (see above).');
  for (const { file, name } of summary.falseWebGpu) {
    problems.push(`Named a WebGPU test, but ran nothing on WebGPU: ${relative(root, file)}: ${name}`);
  }
  // A part of the suite may well have no test for the GPU.
  const runsWholeSuite = vitestArguments.length === 0;
  if (runsWholeSuite && chromium === undefined && process.env.CI) problems.push('No test ran in a browser.');
  if (runsWholeSuite && summary.onWebGpu === 0 && (webgpu.available || process.env.CI)) {
    problems.push(`No test ran on WebGPU${webgpu.available ? '' : `: ${webgpu.reason}`}.`);
  }
  if (exitCode !== 0 && summary.failed === 0) problems.push('vitest reports an error (see above).');

  console.log('');
  for (const problem of problems) console.log(problem);
  for (const { file, name } of summary.skipped) console.log(`Skipped: ${relative(root, file)}: ${name}`);
  console.log(
    `${summary.onWebGpu} test${summary.onWebGpu === 1 ? '' : 's'} ran on WebGPU${describe(webgpu)}`,
  );
  const failed = summary.failed + problems.length;
  console.log(closingLine({ passed: summary.passed, failed, skipped: summary.skipped.length }));
  return failed === 0 ? 0 : 1;
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

/** @param {Awaited<ReturnType<typeof findWebGpu>>} webgpu */
function describe(webgpu) {
  if (!webgpu.available) return ` (${webgpu.reason})`;
  return webgpu.software ? ' (in software)' : " (on this machine's GPU)";
}

/** @param {Record<string, string>} environment */
function runTests(environment) {
  const folder = mkdtempSync(join(tmpdir(), 'retriever-studio-test-'));
  try {
    const file = join(folder, 'report.json');
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const exitCode = runNode([vitest, 'run', ...reporters, ...vitestArguments], environment);
    return { summary: summarize(JSON.parse(readFileSync(file, 'utf8'))), exitCode };
  } catch (error) {
    console.error(`vitest left no report: ${error instanceof Error ? error.message : String(error)}`);
    return { summary: summarize({ testResults: [] }), exitCode: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 */
function runNode(args, environment) {
  const run = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  return run.status ?? 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  console.log(closingLine({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 1;
}
