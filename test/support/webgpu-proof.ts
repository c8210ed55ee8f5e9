import { InferenceSession } from 'onnxruntime-node';
import { afterEach } from 'vitest';

declare module 'vitest' {
  export interface TaskMeta {
    /** Graphs that had run on WebGPU in this file when the test ended; `npm test` counts by it. */
    webgpuRuns?: number;
  }
}

/**
 * Set-up of each *.webgpu.test.ts file: counts the runs of sessions that ONNX Runtime accepted for its WebGPU
 * provider (it refuses to make one where there is no device), so that a test cannot pass for a WebGPU test by its
 * name.
 */
let runs = 0;

const create = InferenceSession.create.bind(InferenceSession) as (
  ...args: Parameters<typeof InferenceSession.create>
) => Promise<InferenceSession>;

InferenceSession.create = async (...args: unknown[]) => {
  const session = await create(...(args as Parameters<typeof create>));
  if (args.some(asksForWebGpu)) {
    const run = session.run.bind(session) as (...args: unknown[]) => Promise<InferenceSession.ReturnType>;
    session.run = async (...runArguments: unknown[]) => {
      const results = await run(...runArguments);
      runs++;
      return results;
    };
  }
  return session;
};

function asksForWebGpu(options: unknown): boolean {
  if (typeof options !== 'object' || options === null || !('executionProviders' in options)) return false;
  const [first] = options.executionProviders as (string | { name: string })[];
  return (typeof first === 'object' ? first.name : first) === 'webgpu';
}

afterEach(({ task }) => {
  task.meta.webgpuRuns = runs;
});
