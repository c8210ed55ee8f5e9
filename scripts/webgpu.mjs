// @ts-check
/** Finds a WebGPU device for Node: the machine's own, else the software one that comes with Chromium. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} WebGpuFound
 * @property {true} available
 * @property {boolean} software Whether a processor plays the GPU.
 * @property {Record<string, string>} environment What a process needs set to see the device.
 */
/**
 * @typedef {object} WebGpuMissing
 * @property {false} available
 * @property {string} reason
 */

const probe = fileURLToPath(new URL('webgpu-probe.mjs', import.meta.url));
const probeMilliseconds = 120_000;
const softwareDriver = 'vk_swiftshader_icd.json';

/** @returns {WebGpuFound | WebGpuMissing} */
export function findWebGpu() {
  // Without it the Vulkan loader prints an error for each instance it makes.
  const environment = { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || tmpdir() };
  if (works(environment)) {
    const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? '';
    return { available: true, software: named.endsWith(softwareDriver), environment };
  }
  if (process.platform !== 'linux') {
    return {
      available: false,
      reason: 'no WebGPU device: this machine has no GPU that ONNX Runtime can use',
    };
  }
  const driver = findSoftwareDriver();
  if (driver === undefined) {
    return {
      available: false,
      reason: 'no WebGPU device: neither a GPU with a Vulkan driver nor Chromium is there',
    };
  }
  const withSoftware = { ...environment, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
  if (works(withSoftware)) return { available: true, software: true, environment: withSoftware };
  return {
    available: false,
    reason: `no WebGPU device: ${driver} is there but does not work; is libvulkan1?`,
  };
}

/** @param {Record<string, string>} environment */
function works(environment) {
  const run = spawnSync(process.execPath, [probe], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
    timeout: probeMilliseconds,
  });
  return run.status === 0;
}

/** The Chromium or Chrome to use: what the environment names, what is installed, what Playwright has fetched. */
export function findChromium() {
  const named = process.env.CHROMIUM_PATH || process.env.CHROME_PATH;
  if (named) return isExecutable(named) ? named : undefined;
  return [...installedChromiums(), ...playwrightChromiums()].find(isExecutable);
}

/** @returns {string[]} */
function installedChromiums() {
  if (process.platform === 'darwin') {
    return ['Google Chrome', 'Chromium'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
  }
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name)));
}

/** @returns {string[]} */
function playwrightChromiums() {
  const cache = process.env.PLAYWRIGHT_BROWSERS_PATH || join(homedir(), '.cache', 'ms-playwright');
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .filter((name) => name.startsWith('chromium-'))
    .sort()
    .reverse()
    .flatMap((name) =>
      ['chrome-linux64', 'chrome-linux'].map((folder) => join(cache, name, folder, 'chrome')),
    );
}

function findSoftwareDriver() {
  const chromium = findChromium();
  // A distribution's /usr/bin/chromium is a script; the program and its driver lie elsewhere.
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
  if (chromium !== undefined) folders.unshift(dirname(realpathSync(chromium)));
  return folders.map((folder) => join(folder, softwareDriver)).find((file) => existsSync(file));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
