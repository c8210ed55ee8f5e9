import { describeUnless } from '../skip.ts';

const adapter = 'gpu' in navigator ? await navigator.gpu.requestAdapter() : null;

/** A suite of a *.webgpu.browser.test.ts file: runs where Chromium has a WebGPU device, and says so elsewhere. */
export function describeOnBrowserGpu(name: string, suite: () => void): void {
  const missing = adapter === null ? 'this Chromium has no WebGPU adapter' : undefined;
  const { vendor = '', architecture = '' } = adapter?.info ?? {};
  describeUnless(missing, `${name} (${`${vendor} ${architecture}`.trim()})`, suite);
}
