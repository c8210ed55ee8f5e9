/**
 * Counts, and times, what the studio asks of a runtime: for hosts that do not show the calls of the GPU itself
 * (onnxruntime-node). What ONNX Runtime does within a run is not seen.
 */
import type {
  DeviceTensor,
  ElementwiseKernel,
  Runtime,
  Session,
  TensorData,
} from '../../src/host/contract.ts';

/** What was asked for, and the milliseconds until it was answered. */
export interface RuntimeCalls {
  /** Runs by the kind of graph: `forward pass`, `backward pass`, `encoding`, `gradient norm`, `AdamW` … */
  readonly runs: Readonly<Record<string, { readonly count: number; readonly milliseconds: number }>>;
  /** Reads that wait for the device. */
  readonly reads: { readonly count: number; readonly bytes: number; readonly milliseconds: number };
  /** Tensors moved to the device ahead of a run, and host tensors that travelled with one. */
  readonly uploads: { readonly count: number; readonly bytes: number; readonly milliseconds: number };
  /** Device tensors made: by uploads, and as outputs. */
  readonly createdTensors: number;
  readonly openedSessions: number;
}

const bytesPerElement = { float32: 4, int32: 4, int64: 8, bool: 1 } as const;

function bytesOf({ dataType, dims }: DeviceTensor): number {
  return dims.reduce((product, size) => product * size, bytesPerElement[dataType]);
}

/** `forward pass of 4 × 128 tokens` → `forward pass` */
function kindOf(session: string): string {
  return session.replace(/ of \d.*$/, '');
}

export interface CountedRuntime {
  readonly runtime: Runtime;
  /** Since the last call, or since the runtime was wrapped. */
  take(): RuntimeCalls;
}

interface Tally {
  runs: Record<string, { count: number; milliseconds: number }>;
  reads: { count: number; bytes: number; milliseconds: number };
  uploads: { count: number; bytes: number; milliseconds: number };
  createdTensors: number;
  openedSessions: number;
}

const nothing = (): Tally => ({
  runs: {},
  reads: { count: 0, bytes: 0, milliseconds: 0 },
  uploads: { count: 0, bytes: 0, milliseconds: 0 },
  createdTensors: 0,
  openedSessions: 0,
});

/**
 * @param asDevice has a CPU's runtime pass for a GPU's: counts at full size where software would take hours to play the
 * GPU. It computes the graphs that a GPU would.
 */
export function countRuntime(inner: Runtime, { asDevice = false } = {}): CountedRuntime {
  let tally = nothing();
  const onDevice = new WeakSet<DeviceTensor>();
  const isHost = (tensor: DeviceTensor): boolean =>
    asDevice ? !onDevice.has(tensor) : inner.hostMemory(tensor) !== undefined;
  const timed = async <T>(target: { milliseconds: number }, work: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await work();
    } finally {
      target.milliseconds += performance.now() - start;
    }
  };
  const countSession = (session: Session, name: string): Session => ({
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    release: () => session.release(),
    run: async (inputs, recycle) => {
      for (const input of session.inputNames) {
        const tensor = inputs[input];
        if (tensor === undefined || !isHost(tensor)) continue;
        tally.uploads.count++;
        tally.uploads.bytes += bytesOf(tensor);
      }
      const run = (tally.runs[kindOf(name)] ??= { count: 0, milliseconds: 0 });
      run.count++;
      const outputs = await timed(run, () => session.run(inputs, asDevice ? {} : recycle));
      for (const tensor of Object.values(outputs)) {
        tally.createdTensors++;
        onDevice.add(tensor);
      }
      return outputs;
    },
  });
  const countKernel = (kernel: ElementwiseKernel, name: string): ElementwiseKernel => ({
    run: (sets) => {
      const run = (tally.runs[name] ??= { count: 0, milliseconds: 0 });
      run.count++;
      return timed(run, () => kernel.run(sets));
    },
  });
  const runtime: Runtime = {
    device: asDevice ? 'webgpu' : inner.device,
    threads: inner.threads,
    fingerprint: inner.fingerprint,
    largestTensorBytes: inner.largestTensorBytes,
    tensor: (...args) => inner.tensor(...args),
    upload: async (tensor) => {
      if (!isHost(tensor)) return tensor;
      tally.uploads.count++;
      tally.uploads.bytes += bytesOf(tensor);
      tally.createdTensors++;
      const uploaded = await timed(tally.uploads, () => inner.upload(tensor));
      onDevice.add(uploaded);
      return uploaded;
    },
    read: async (tensor): Promise<TensorData> => {
      if (isHost(tensor)) return inner.read(tensor);
      tally.reads.count++;
      tally.reads.bytes += bytesOf(tensor);
      return timed(tally.reads, () => inner.read(tensor));
    },
    readAll: async (tensors): Promise<TensorData[]> => {
      if (tensors.every(isHost)) return inner.readAll(tensors);
      tally.reads.count++;
      for (const tensor of tensors) tally.reads.bytes += bytesOf(tensor);
      return timed(tally.reads, () => inner.readAll(tensors));
    },
    hostMemory: (tensor) => (isHost(tensor) ? inner.hostMemory(tensor) : undefined),
    createSession: async (model, options) => {
      tally.openedSessions++;
      return countSession(await inner.createSession(model, options), options.name);
    },
    availableMemory: () => inner.availableMemory(),
    close: () => inner.close(),
    ...(inner.createKernel === undefined
      ? {}
      : {
          createKernel: async (program) => {
            const kernel = await inner.createKernel?.(program);
            if (kernel === undefined) throw new Error(`there is no kernel for ${program.name}`);
            return countKernel(kernel, program.name);
          },
        }),
  };
  return {
    runtime,
    take: () => {
      const taken = tally;
      tally = nothing();
      return taken;
    },
  };
}
