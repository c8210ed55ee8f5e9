import { describe } from 'vitest';

const adapter = 'gpu' in navigator ? await navigator.gpu.requestAdapter() : null;
const missing = adapter === null ? 'this Chromium has no WebGPU adapter' : undefined;

/** A suite of a *.webgpu.browser.test.ts file: runs where Chromium has a WebGPU device, and says so elsewhere. */
export function describeOnBrowserGpu(name: string, suite: () => void): void {
  const device = missing ?? `${adapter?.info.vendor ?? ''} ${adapter?.info.architecture ?? ''}`.trim();
  describe.skipIf(missing !== undefined)(`${name} (${device})`, suite);
}
