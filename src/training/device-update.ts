import type { DeviceTensor, ElementwiseKernel, Runtime, Session } from '../host/contract.ts';
import {
  adamWProgram,
  createUpdateSession,
  scalarNames,
  type AdamWSettings,
  type UpdateEntry,
  type UpdateScalars,
} from './optimizer.ts';

/** Weights, gradients and moments on a device, by parameter. */
export type DeviceTensors = Readonly<Record<'w' | 'g' | 'm' | 'v', Map<string, DeviceTensor>>>;

/** AdamW over tensors that stay on a device. */
export interface DeviceUpdate {
  /** Updates weights and moments, and sets the gradients to zero. Tensors may be replaced by others. */
  run(tensors: DeviceTensors, scalars: UpdateScalars): Promise<void>;
  close(): Promise<void>;
}

/** In place where the runtime has kernels, by a graph that returns new tensors elsewhere. */
export async function createDeviceUpdate(
  runtime: Runtime,
  settings: AdamWSettings,
  entries: readonly UpdateEntry[],
): Promise<DeviceUpdate> {
  if (runtime.createKernel !== undefined) {
    return new KernelUpdate(await runtime.createKernel(adamWProgram), settings, entries);
  }
  return new GraphUpdate(runtime, await createUpdateSession(runtime, settings, entries, true), entries);
}

function tensorOf(tensors: ReadonlyMap<string, DeviceTensor>, name: string): DeviceTensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new Error(`${name} does not train`);
  return tensor;
}

class KernelUpdate implements DeviceUpdate {
  readonly #kernel: ElementwiseKernel;
  readonly #settings: AdamWSettings;
  readonly #entries: readonly UpdateEntry[];

  constructor(kernel: ElementwiseKernel, settings: AdamWSettings, entries: readonly UpdateEntry[]) {
    this.#kernel = kernel;
    this.#settings = settings;
    this.#entries = entries;
  }

  async run(tensors: DeviceTensors, scalars: UpdateScalars): Promise<void> {
    const { beta1, beta2 } = this.#settings;
    const decaying = { ...scalars, beta1, beta2 };
    const plain = { ...decaying, decayFactor: 1 };
    await this.#kernel.run(
      this.#entries.map(({ name, decayed }) => ({
        arrays: {
          w: tensorOf(tensors.w, name),
          g: tensorOf(tensors.g, name),
          m: tensorOf(tensors.m, name),
          v: tensorOf(tensors.v, name),
        },
        scalars: decayed ? decaying : plain,
      })),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class GraphUpdate implements DeviceUpdate {
  readonly #runtime: Runtime;
  readonly #session: Session;
  readonly #entries: readonly UpdateEntry[];

  constructor(runtime: Runtime, session: Session, entries: readonly UpdateEntry[]) {
    this.#runtime = runtime;
    this.#session = session;
    this.#entries = entries;
  }

  async run(tensors: DeviceTensors, scalars: UpdateScalars): Promise<void> {
    const inputs: Record<string, DeviceTensor> = {};
    for (const name of scalarNames) {
      inputs[name] = this.#runtime.tensor('float32', [1], Float32Array.of(scalars[name]));
    }
    const recycle: Record<string, DeviceTensor> = {};
    for (const { name } of this.#entries) {
      inputs[`w.${name}`] = recycle[`new_w.${name}`] = tensorOf(tensors.w, name);
      inputs[`g.${name}`] = recycle[`zero.${name}`] = tensorOf(tensors.g, name);
      inputs[`m.${name}`] = recycle[`new_m.${name}`] = tensorOf(tensors.m, name);
      inputs[`v.${name}`] = recycle[`new_v.${name}`] = tensorOf(tensors.v, name);
    }
    const outputs = await this.#session.run(inputs, recycle);
    for (const { name } of this.#entries) {
      tensors.w.set(name, outputs[`new_w.${name}`] as DeviceTensor);
      tensors.g.set(name, outputs[`zero.${name}`] as DeviceTensor);
      tensors.m.set(name, outputs[`new_m.${name}`] as DeviceTensor);
      tensors.v.set(name, outputs[`new_v.${name}`] as DeviceTensor);
    }
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}
