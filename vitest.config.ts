import { defineConfig } from 'vitest/config';

const webgpuTests = 'test/**/*.webgpu.test.ts';

export default defineConfig({
  test: {
    // ONNX Runtime uses every core by itself; two test files beside each other only fight for them.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: [webgpuTests] },
      },
      {
        // Node too, but with a GPU: the machine's own or the software one that comes with Chromium.
        extends: true,
        test: {
          name: 'webgpu',
          include: [webgpuTests],
          globalSetup: 'test/support/webgpu-device.ts',
          setupFiles: 'test/support/webgpu-proof.ts',
        },
      },
    ],
  },
});
