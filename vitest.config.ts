import { defineConfig } from 'vitest/config';

// Suffixes: *.test.ts runs in Node; *.webgpu.test.ts runs in Node too, but needs a Vulkan device
// (scripts/test.mjs points it at the software one that comes with Chromium).
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // ONNX Runtime uses every core by itself; two test files beside each other only fight for them.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
