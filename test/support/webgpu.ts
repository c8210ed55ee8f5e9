import { describe, inject } from 'vitest';

/** A suite of a *.webgpu.test.ts file: runs where a WebGPU device is, and is skipped with the reason elsewhere. */
export function describeOnWebGpu(name: string, suite: () => void): void {
  const { available, description } = inject('webgpu');
  describe.skipIf(!available)(`${name} (${description})`, suite);
}
