import type { Device, Runtime, Session } from '../../src/host/contract.ts';

/** A runtime that counts its open sessions. */
export interface WatchedRuntime extends Runtime {
  readonly openSessions: number;
  /** The most that were open at one time. */
  readonly mostOpenSessions: number;
}

export interface WatchOptions {
  /** What it says that it computes on. */
  readonly device?: Device;
  /** Called before each session is made; what it throws, createSession throws. */
  readonly beforeSession?: () => void;
}

export function watchRuntime(runtime: Runtime, options: WatchOptions = {}): WatchedRuntime {
  let open = 0;
  let most = 0;
  return {
    device: options.device ?? runtime.device,
    threads: runtime.threads,
    largestTensorBytes: runtime.largestTensorBytes,
    fingerprint: runtime.fingerprint,
    get openSessions() {
      return open;
    },
    get mostOpenSessions() {
      return most;
    },
    tensor: (...args) => runtime.tensor(...args),
    upload: (tensor) => runtime.upload(tensor),
    read: (tensor) => runtime.read(tensor),
    readAll: (tensors) => runtime.readAll(tensors),
    hostMemory: (tensor) => runtime.hostMemory(tensor),
    availableMemory: () => runtime.availableMemory(),
    close: () => runtime.close(),
    createSession: async (model, sessionOptions): Promise<Session> => {
      options.beforeSession?.();
      const session = await runtime.createSession(model, sessionOptions);
      most = Math.max(most, ++open);
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        run: (...args) => session.run(...args),
        release: async () => {
          open--;
          await session.release();
        },
      };
    },
  };
}
