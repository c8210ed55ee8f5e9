/**
 * Compiles the TypeScript sources into dist/. `node scripts/build.mjs` always does, and builds the page where it is
 * stale; the command line calls {@link buildIfStale}, which compiles only when a source is newer than the last build.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const lock = join(dist, '.building');
/** A build takes seconds: a lock this old was left by a process that was killed. */
const staleLockMilliseconds = 120_000;

function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestSource() {
  let newest = 0;
  for (const file of ['tsconfig.json', 'tsconfig.build.json', 'package.json']) {
    newest = Math.max(newest, modified(join(root, file)));
  }
  for (const folder of ['src', 'workers']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      newest = Math.max(newest, modified(join(entry.parentPath, entry.name)));
    }
  }
  return newest;
}

/** Whether no source is newer than the last build. */
export function isFresh() {
  return modified(stamp) > newestSource();
}

async function takeLock() {
  mkdirSync(dist, { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (Date.now() - modified(lock) > staleLockMilliseconds) releaseLock();
    else await sleep(100);
  }
}

function releaseLock() {
  try {
    rmdirSync(lock);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** Runs the compiler. Resolves to what it found wrong, empty if nothing. */
function compile() {
  // Not import.meta.resolve: vitest, whose set-up builds too, does not have it.
  const typescript = createRequire(import.meta.url).resolve('typescript/lib/tsc.js');
  const settings = ['-p', join(root, 'tsconfig.build.json')];
  const incremental = ['--incremental', '--tsBuildInfoFile', join(dist, 'build.tsbuildinfo')];
  const child = spawn(process.execPath, [typescript, ...settings, ...incremental], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let report = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (report += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(report));
  });
}

async function build(needed) {
  await takeLock();
  try {
    if (!needed()) return '';
    const startedAt = new Date();
    const report = await compile();
    if (modified(join(dist, 'src/cli/main.js')) > 0) {
      // The time of the start: a source that changed during the build is newer than it.
      writeFileSync(stamp, '');
      utimesSync(stamp, startedAt, startedAt);
    }
    return report;
  } finally {
    releaseLock();
  }
}

/**
 * Builds where a source is newer than the last build; of several processes that call it at once, one builds.
 * Type errors stop nobody who only wants to run a command: the code was emitted all the same, and `npm run types`
 * shows them. Resolves to whether there is a build.
 */
export async function buildIfStale() {
  if (isFresh()) return true;
  const report = await build(() => !isFresh());
  if (modified(stamp) > 0) return true;
  process.stderr.write(report);
  return false;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await build(() => true);
  process.stderr.write(report);
  // Only here: the command line, which builds by itself, has no use for the page.
  const { buildPageIfStale } = await import('./build-page.mjs');
  if (report !== '' || !buildPageIfStale()) process.exitCode = 1;
}
