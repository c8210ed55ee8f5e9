// @ts-check
/** The Chromium that tests run in, and how it is started. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';

/**
 * @param {string | undefined} found What the studio's own search gave: the one that CHROMIUM_PATH or CHROME_PATH
 * names, or an installed one.
 * @returns {string | undefined} That, or else the one that Playwright has fetched.
 */
export function testChromium(found) {
  if (found !== undefined) return found;
  const own = chromium.executablePath();
  return existsSync(own) ? own : undefined;
}

/**
 * WebGPU in software, the same on every machine; BROWSER_GPU=hardware takes the machine's GPU. Memory figures are
 * exact, and `gc()` is there for the tests that look for leaks.
 */
export function chromiumArguments() {
  const adapter = process.env.BROWSER_GPU === 'hardware' ? [] : ['--use-webgpu-adapter=swiftshader'];
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return [
    ...sandbox,
    '--enable-unsafe-webgpu',
    ...adapter,
    '--disable-dev-shm-usage',
    '--enable-precise-memory-info',
    '--js-flags=--expose-gc',
  ];
}
