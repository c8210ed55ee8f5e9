/**
 * Compiles the TypeScript sources into dist/. `node scripts/build.mjs` always builds; the command line calls
 * {@link buildIfStale}, which builds only when a source is newer than the last build.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
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

function isFresh() {
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

/** Runs the compiler; its report goes to standard error. Resolves to whether it found no error. */
function compile() {
  const typescript = fileURLToPath(import.meta.resolve('typescript/lib/tsc.js'));
  const settings = ['-p', join(root, 'tsconfig.build.json')];
  const incremental = ['--incremental', '--tsBuildInfoFile', join(dist, 'build.tsbuildinfo')];
  const child = spawn(process.execPath, [typescript, ...settings, ...incremental], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.pipe(process.stderr);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
}

/** Resolves to whether dist/ can be used: type errors are reported, but the code that was emitted still runs. */
async function build(needed) {
  await takeLock();
  try {
    if (!needed()) return true;
    const startedAt = new Date();
    const clean = await compile();
    if (modified(join(dist, 'src/cli/main.js')) === 0) return false;
    // The time of the start: a source that changed during the build is newer than it.
    writeFileSync(stamp, '');
    utimesSync(stamp, startedAt, startedAt);
    return clean || 'with errors';
  } finally {
    releaseLock();
  }
}

/** Builds where a source is newer than the last build. Several processes may call it at once: one builds. */
export async function buildIfStale() {
  return isFresh() || (await build(() => !isFresh())) !== false;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if ((await build(() => true)) !== true) process.exitCode = 1;
}
