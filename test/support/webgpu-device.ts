import type { TestProject } from 'vitest/node';
import { findWebGpu } from '../../scripts/webgpu.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    webgpu: { readonly available: boolean; readonly description: string };
  }
}

/** Looks once for a WebGPU device before the files of the project `webgpu` run, and tells them what is there. */
export default async function setup(project: TestProject): Promise<void> {
  const webgpu = await findWebGpu();
  if (webgpu.available) {
    Object.assign(process.env, webgpu.environment);
    project.provide('webgpu', { available: true, description: webgpu.software ? 'in software' : 'on a GPU' });
  } else {
    project.provide('webgpu', { available: false, description: webgpu.reason });
  }
}
