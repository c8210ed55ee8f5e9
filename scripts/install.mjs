// @ts-check
/** Installs what a fresh checkout lacks: the packages of the lockfile and, for the tests, a browser. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Makes node_modules what package-lock.json says, if it is not already. Throws with a remedy if npm fails. */
export function installPackages() {
  if (packagesAreInstalled()) return;
  console.log('Installing the packages in package-lock.json (npm ci, without install scripts) …');
  const run = runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  if (run.status !== 0) {
    throw new Error(
      'npm ci failed (see above). It needs the npm registry and nothing else. Fix the connection to it and re-run.',
    );
  }
}

/** Whether each package of the lockfile that this platform needs is there in its version. */
function packagesAreInstalled() {
  const installed = readLockfile(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readLockfile(join(root, 'package-lock.json'));
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    // The project itself, and what may be missing because it belongs to another platform.
    if (path === '' || entry.optional) return true;
    return installed[path]?.version === entry.version && existsSync(join(root, path));
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function readLockfile(file) {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** @param {string[]} args */
function runNpm(args) {
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
  // Within `npm run` the very npm that runs us; npm is a script there, which Node must be given.
  const npm = process.env.npm_execpath;
  if (npm !== undefined && /\.c?js$/.test(npm)) return spawnSync(process.execPath, [npm, ...args], options);
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
}

const byHand =
  'install Chromium and the Vulkan loader (Debian, Ubuntu: apt-get install chromium libvulkan1; elsewhere: npx playwright install chromium), or name one in CHROMIUM_PATH';

/**
 * What finding a way to install depends on; the machine's own by default.
 * @typedef {object} Machine
 * @property {(command: string, args: string[], options: import('node:child_process').SpawnSyncOptions) => { status: number | null }} run
 * @property {boolean} isRoot
 * @property {boolean} hasApt
 */

/** @type {Machine} */
const thisMachine = {
  run: spawnSync,
  isRoot: process.getuid?.() === 0,
  hasApt: process.platform === 'linux' && existsSync('/usr/bin/apt-get'),
};

/**
 * Chromium runs the tests of the page, and brings the software Vulkan driver that stands in for a GPU. Installs it
 * from the system's packages where that needs no question (as root on a system with apt), else Playwright's own.
 * @param {Machine} [machine]
 * @returns {string | undefined} What to do by hand, where it could not be installed.
 */
export function installChromium(machine = thisMachine) {
  if (machine.isRoot && machine.hasApt && installFromApt(machine)) return undefined;
  console.log("Installing Playwright's Chromium (npx playwright install chromium) …");
  const cli = join(root, 'node_modules', 'playwright', 'cli.js');
  const run = machine.run(process.execPath, [cli, 'install', 'chromium'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return run.status === 0 ? undefined : byHand;
}

/**
 * Whether it worked.
 * @param {Machine} machine
 */
function installFromApt({ run }) {
  console.log('Installing Chromium and the Vulkan loader (apt-get install chromium libvulkan1) …');
  /** @type {import('node:child_process').SpawnSyncOptions} */
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  run('apt-get', ['update', '-qq'], options);
  const packages = ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'libvulkan1'];
  return run('apt-get', packages, options).status === 0;
}
