// @ts-check
/** Builds the page into dist/page, where a source of it is newer than the last build. */
import { spawnSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What `npm start` serves. */
export const pageFolder = join(root, 'dist', 'page');
/** Beside the folder, which is served whole. */
const stamp = join(root, 'dist', '.page-built');
const sources = [
  'index.html',
  'package-lock.json',
  'vite.config.ts',
  'docs',
  'svelte.config.js',
  'scripts/vite-shared.mjs',
  'public',
  'recipes',
  'src',
  'workers',
];

/** @param {string} path */
function modified(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestSource() {
  let newest = 0;
  for (const source of sources) {
    const path = join(root, source);
    newest = Math.max(newest, modified(path));
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) continue;
    for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
      newest = Math.max(newest, modified(join(entry.parentPath, entry.name)));
    }
  }
  return newest;
}

/** Whether no source is newer than the last build. */
export function pageIsFresh() {
  return modified(join(pageFolder, 'index.html')) > 0 && modified(stamp) > newestSource();
}

/**
 * Builds the page if it is stale.
 * @returns {boolean} whether there is a current build; Vite has printed why, where there is none
 */
export function buildPageIfStale() {
  if (pageIsFresh()) return true;
  const startedAt = new Date();
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  // Aside, and then in place at once: another process may be serving the last build, or building too.
  const fresh = `${pageFolder}-${process.pid}`;
  const run = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn', '--outDir', fresh], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // Whatever calls: a page made of development code is three times as large.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  if (run.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    return false;
  }
  rmSync(pageFolder, { recursive: true, force: true });
  renameSync(fresh, pageFolder);
  writeFileSync(stamp, '');
  utimesSync(stamp, startedAt, startedAt);
  return true;
}
