import { InferenceSession } from 'onnxruntime-node';
import { expect, vi } from 'vitest';
import type { Runtime } from '../../../src/host/contract.ts';
import { cubed } from '../runtime-models.ts';

/** Runs of two sessions, and several of each, asked for at the same time: each right, never two in flight. */
export async function checkOneRunAtATime(open: () => Promise<Runtime>): Promise<void> {
  const create = InferenceSession.create.bind(InferenceSession) as (
    ...args: unknown[]
  ) => Promise<InferenceSession>;
  let inFlight = 0;
  let most = 0;
  const watched = vi.spyOn(InferenceSession, 'create').mockImplementation(async (...args: unknown[]) => {
    const session = await create(...args);
    const run = session.run.bind(session) as (...args: unknown[]) => Promise<InferenceSession.ReturnType>;
    session.run = async (...runArguments: unknown[]) => {
      most = Math.max(most, ++inFlight);
      try {
        return await run(...runArguments);
      } finally {
        inFlight--;
      }
    };
    return session;
  });
  try {
    const runtime = await open();
    const size = 48;
    const [first, second] = await Promise.all([
      runtime.createSession(cubed(size), { name: 'first' }),
      runtime.createSession(cubed(size), { name: 'second' }),
    ]);
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        // The cube of a multiple of the identity.
        const scale = i + 1;
        const data = Float32Array.from({ length: size * size }, (__, k) =>
          k % (size + 1) === 0 ? scale : 0,
        );
        const session = i % 2 === 0 ? first : second;
        const { y } = await session.run({ x: runtime.tensor('float32', [size, size], data) });
        const values = (await runtime.read(y!)) as Float32Array;
        return [values[0], values[1], values.at(-1)];
      }),
    );
    expect(answers).toEqual(answers.map((_, i) => [(i + 1) ** 3, 0, (i + 1) ** 3]));
    expect(most).toBe(1);
    await runtime.close();
  } finally {
    watched.mockRestore();
  }
}
