import type { DeviceTensor, Runtime } from '../../src/host/contract.ts';

export interface StandInOptions {
  /** Called before each run with the session's name; what it throws, the run throws. */
  readonly beforeRun?: (session: string) => void;
  readonly largestTensorBytes?: number;
  readonly availableMemory?: () => number;
}

/**
 * A CPU's runtime that passes for a GPU's: outputs are new tensors outside host memory, and the graphs are those of a
 * GPU.
 */
export function standInForGpu(runtime: Runtime, options: StandInOptions = {}): Runtime {
  const onDevice = new WeakSet<DeviceTensor>();
  return {
    device: 'webgpu',
    threads: runtime.threads,
    largestTensorBytes: options.largestTensorBytes ?? 2 ** 30,
    fingerprint: { ...runtime.fingerprint, device: 'webgpu' },
    tensor: (...args) => runtime.tensor(...args),
    upload: async (tensor) => {
      const uploaded = await runtime.upload(tensor);
      onDevice.add(uploaded);
      return uploaded;
    },
    read: (tensor) => runtime.read(tensor),
    readAll: (tensors) => runtime.readAll(tensors),
    hostMemory: (tensor) => (onDevice.has(tensor) ? undefined : runtime.hostMemory(tensor)),
    availableMemory: () => options.availableMemory?.() ?? runtime.availableMemory(),
    close: () => runtime.close(),
    createSession: async (model, sessionOptions) => {
      const session = await runtime.createSession(model, sessionOptions);
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: async (inputs) => {
          options.beforeRun?.(sessionOptions.name);
          const outputs = await session.run(inputs);
          for (const tensor of Object.values(outputs)) onDevice.add(tensor);
          return outputs;
        },
        release: () => session.release(),
      };
    },
  };
}
