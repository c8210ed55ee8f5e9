import { inject } from 'vitest';
import { describeUnless } from './skip.ts';

/** A suite of a *.webgpu.test.ts file: runs where a WebGPU device is, and is skipped with the reason elsewhere. */
export function describeOnWebGpu(name: string, suite: () => void): void {
  const { available, description } = inject('webgpu');
  if (available) describeUnless(undefined, `${name} (${description})`, suite);
  else describeUnless(description, name, suite);
}
