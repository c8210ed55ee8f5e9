/**
 * Set-up of each *.browser.test.ts file: tells what had run on WebGPU when a test ended, so that `npm test` can count
 * the tests that used it.
 */
import { afterEach } from 'vitest';
import { gpuDispatches } from './gpu-dispatches.ts';

declare module 'vitest' {
  export interface TaskMeta {
    /** What this file had asked of WebGPU when the test ended; `npm test` counts by it. */
    webgpuRuns?: number;
  }
}

afterEach(({ task }) => {
  task.meta.webgpuRuns = gpuDispatches();
});
