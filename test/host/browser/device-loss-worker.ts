/** Loses its GPU device in the middle of a run, and tells how each call ended. */
import { openRuntime } from '../../../src/host/browser/runtime.ts';
import { gpuDispatches } from '../../support/browser/gpu-dispatches.ts';
import { cubed } from '../runtime-models.ts';

export interface LossAnswer {
  /** Of each call that was under way or came later: the error's name and message. */
  readonly errors: Readonly<Record<string, string>>;
  /** From the loss to the last of them. */
  readonly milliseconds: number;
  readonly recovered: readonly number[];
  readonly dispatches: number;
}

let device: GPUDevice | undefined;
const requestDevice = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'requestDevice')
  ?.value as GPUAdapter['requestDevice'];
GPUAdapter.prototype.requestDevice = async function (...args) {
  device = await requestDevice.apply(this, args);
  return device;
};

async function nameOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => String(error),
  );
}

async function lose(): Promise<LossAnswer> {
  const size = 48;
  const identity = (scale: number): Float32Array<ArrayBuffer> =>
    Float32Array.from({ length: size * size }, (_, k) => (k % (size + 1) === 0 ? scale : 0));
  const opened = await openRuntime({ device: 'webgpu' });
  const { runtime } = opened;
  const session = await runtime.createSession(cubed(size), { name: 'cubed' });
  const kept = await runtime.upload(runtime.tensor('float32', [size, size], identity(1)));
  await session.run({ x: kept });
  const running = nameOf(session.run({ x: kept }).then(({ y }) => runtime.read(y!)));
  const waiting = nameOf(session.run({ x: kept }));
  device?.destroy();
  const lostAt = performance.now();
  const errors = {
    running: await running,
    waiting: await waiting,
    failed: await nameOf(opened.failed),
    run: await nameOf(session.run({ x: kept })),
    read: await nameOf(runtime.read(kept)),
    upload: await nameOf(runtime.upload(runtime.tensor('float32', [1]))),
    createSession: await nameOf(runtime.createSession(cubed(2), { name: 'another' })),
  };
  const milliseconds = performance.now() - lostAt;
  await runtime.close();

  const next = await openRuntime({ device: 'webgpu' });
  const again = await next.runtime.createSession(cubed(size), { name: 'cubed' });
  const { y } = await again.run({ x: next.runtime.tensor('float32', [size, size], identity(2)) });
  const values = (await next.runtime.read(y!)) as Float32Array;
  await next.runtime.close();
  return { errors, milliseconds, recovered: [values[0]!, values[1]!], dispatches: gpuDispatches() };
}

self.onmessage = async () => {
  self.postMessage(await lose().catch(String));
};
