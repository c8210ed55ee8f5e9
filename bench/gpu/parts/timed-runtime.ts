import type { DeviceTensor, Runtime, Session } from '../../../src/host/contract.ts';

export interface CallTimes {
  /** Milliseconds in calls of each kind, by the name of the graph for runs. */
  readonly milliseconds: ReadonlyMap<string, number>;
  readonly calls: ReadonlyMap<string, number>;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  reset(): void;
}

type Tensors = DeviceTensor | readonly DeviceTensor[];
const moved = { uploads: 'uploaded', readbacks: 'downloaded' } as const;
const bytesOf = { float32: 4, int32: 4, int64: 8, bool: 1 } as const;

function sizeOf({ dataType, dims }: DeviceTensor): number {
  return dims.reduce((a, b) => a * b, bytesOf[dataType]);
}

/**
 * A runtime that times its callers' calls.
 * @param waits has each run wait until the device has done it, so that its time is the device's; otherwise a run ends
 * when the device has been told what to do, and whoever reads a result waits
 */
export function timedRuntime(
  inner: Runtime,
  waits: boolean,
): { readonly runtime: Runtime; readonly times: CallTimes } {
  const milliseconds = new Map<string, number>();
  const calls = new Map<string, number>();
  const bytes = { uploaded: 0, downloaded: 0 };
  const timed = async <T>(kind: string, call: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    try {
      return await call();
    } finally {
      milliseconds.set(kind, (milliseconds.get(kind) ?? 0) + performance.now() - start);
      calls.set(kind, (calls.get(kind) ?? 0) + 1);
    }
  };
  const timedSession = (session: Session, name: string): Session => ({
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (inputs, recycle) =>
      timed(name, async () => {
        for (const tensor of Object.values(inputs)) {
          if (inner.hostMemory(tensor) !== undefined) bytes.uploaded += sizeOf(tensor);
        }
        const outputs = await session.run(inputs, recycle);
        const [smallest] = Object.values(outputs).sort((a, b) => sizeOf(a) - sizeOf(b));
        if (waits && smallest !== undefined) await inner.read(smallest);
        return outputs;
      }),
    release: () => session.release(),
  });
  const createSession: Runtime['createSession'] = async (model, options) =>
    timedSession(await timed('session creation', () => inner.createSession(model, options)), options.name);
  /** A method that moves one tensor or several. */
  const moving =
    (kind: keyof typeof moved, method: (tensors: Tensors) => Promise<unknown>) =>
    (tensors: Tensors): Promise<unknown> => {
      for (const tensor of 'dataType' in tensors ? [tensors] : tensors) bytes[moved[kind]] += sizeOf(tensor);
      return timed(kind, () => method.call(inner, tensors));
    };
  const runtime = new Proxy(inner, {
    get: (target, key) => {
      if (key === 'createSession') return createSession;
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (key === 'upload') return moving('uploads', value as never);
      if (key === 'read' || key === 'readAll') return moving('readbacks', value as never);
      return value.bind(target) as unknown;
    },
  });
  return {
    runtime,
    times: {
      milliseconds,
      calls,
      get uploadedBytes() {
        return bytes.uploaded;
      },
      get downloadedBytes() {
        return bytes.downloaded;
      },
      reset() {
        milliseconds.clear();
        calls.clear();
        bytes.uploaded = bytes.downloaded = 0;
      },
    },
  };
}
