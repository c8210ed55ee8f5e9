// @ts-check
/** Finds a WebGPU device for Node: the machine's own, else the software one that comes with Chromium. */
import { existsSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buildIfStale } from './build.mjs';

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

const softwareDriver = 'vk_swiftshader_icd.json';

/**
 * Tries the devices in processes of their own: a broken driver may end the one that tries it.
 * @returns {Promise<WebGpuFound | WebGpuMissing>}
 */
export async function findWebGpu() {
  const { findChromium, probeDevice } = await builtHost();
  // Without it the Vulkan loader complains about each instance that it makes.
  const environment = { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR || tmpdir() };
  if ((await probeDevice('webgpu')).works) {
    const named = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? '';
    return { available: true, software: named.endsWith(softwareDriver), environment };
  }
  const driver = process.platform === 'linux' ? findSoftwareDriver(findChromium()) : undefined;
  if (driver === undefined) {
    return { available: false, reason: 'no WebGPU device: neither a GPU that works nor Chromium for Linux' };
  }
  const withSoftware = { ...environment, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver };
  const before = { ...process.env };
  Object.assign(process.env, withSoftware);
  const result = await probeDevice('webgpu');
  process.env = before;
  if (result.works) return { available: true, software: true, environment: withSoftware };
  return { available: false, reason: `no WebGPU device: ${driver} does not work (${result.reason})` };
}

/**
 * The studio's own search for devices and browsers.
 * @returns {Promise<typeof import('../src/host/node/machine.ts')>}
 */
export async function builtHost() {
  await buildIfStale();
  return await import(new URL('../dist/src/host/node/machine.js', import.meta.url).href);
}

/** @param {string | undefined} chromium */
function findSoftwareDriver(chromium) {
  // A distribution's /usr/bin/chromium is a script; the program and its driver lie elsewhere.
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
  if (chromium !== undefined) folders.unshift(dirname(realpathSync(chromium)));
  return folders.map((folder) => join(folder, softwareDriver)).find((file) => existsSync(file));
}
