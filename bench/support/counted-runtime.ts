/**
 * Counts, and times, what the studio asks of a runtime: for hosts that do not show the calls of the GPU itself
 * (onnxruntime-node). What ONNX Runtime does within a run is not seen.
 */
import type { DeviceTensor, Runtime, Session } from '../../src/host/contract.ts';

/** How often something was asked for, and the milliseconds until it was answered. */
interface Calls {
  count: number;
  bytes: number;
  milliseconds: number;
}

export interface RuntimeCalls {
  /** Runs by the kind of graph: `forward pass`, `backward pass`, `encoding`, `gradient norm`, `AdamW` … */
  readonly runs: Record<string, Calls>;
  /** Reads that wait for the device. */
  readonly reads: Calls;
  /** Tensors moved to the device ahead of a run, and host tensors that travelled with one. */
  readonly uploads: Calls;
  readonly openedSessions: Calls;
  /** Device tensors made: by uploads, and as outputs. */
  createdTensors: number;
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

const none = (): Calls => ({ count: 0, bytes: 0, milliseconds: 0 });
const nothing = (): RuntimeCalls => ({
  runs: {},
  reads: none(),
  uploads: none(),
  openedSessions: none(),
  createdTensors: 0,
});

/**
 * @param asDevice has a CPU's runtime pass for a GPU's: counts at full size where software would take hours to play the
 * GPU. It computes the graphs that a GPU would.
 * @param waits has each run wait until the device has done it, so that its time is the device's; otherwise a run ends
 * when the device has been told what to do, and whoever reads a result waits
 */
export function countRuntime(inner: Runtime, { asDevice = false, waits = false } = {}): CountedRuntime {
  let tally = nothing();
  const onDevice = new WeakSet<DeviceTensor>();
  const isHost = (tensor: DeviceTensor): boolean =>
    asDevice ? !onDevice.has(tensor) : inner.hostMemory(tensor) !== undefined;
  const timed = async <T>(
    calls: Calls,
    tensors: readonly DeviceTensor[],
    work: () => Promise<T>,
  ): Promise<T> => {
    calls.count++;
    for (const tensor of tensors) calls.bytes += bytesOf(tensor);
    const start = performance.now();
    try {
      return await work();
    } finally {
      calls.milliseconds += performance.now() - start;
    }
  };
  const runsOf = (kind: string): Calls => (tally.runs[kind] ??= none());
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
      return timed(runsOf(kindOf(name)), [], async () => {
        const outputs = await session.run(inputs, asDevice ? {} : recycle);
        const made = Object.values(outputs);
        for (const tensor of made) onDevice.add(tensor);
        tally.createdTensors += made.length;
        const [smallest] = made.sort((a, b) => bytesOf(a) - bytesOf(b));
        if (waits && smallest !== undefined) await inner.read(smallest);
        return outputs;
      });
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
      const uploaded = await timed(tally.uploads, [tensor], () => inner.upload(tensor));
      tally.createdTensors++;
      onDevice.add(uploaded);
      return uploaded;
    },
    read: (tensor) =>
      isHost(tensor) ? inner.read(tensor) : timed(tally.reads, [tensor], () => inner.read(tensor)),
    readAll: (tensors) =>
      tensors.every(isHost)
        ? inner.readAll(tensors)
        : timed(tally.reads, tensors, () => inner.readAll(tensors)),
    hostMemory: (tensor) => (isHost(tensor) ? inner.hostMemory(tensor) : undefined),
    createSession: async (model, options) => {
      const session = await timed(tally.openedSessions, [], () => inner.createSession(model, options));
      return countSession(session, options.name);
    },
    availableMemory: () => inner.availableMemory(),
    close: () => inner.close(),
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
