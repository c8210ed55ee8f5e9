import type { DeviceTensor, Runtime, Session } from '../host/contract.ts';
import type { BatchShape } from './forward.ts';
import { outputName, type Program } from './graphs.ts';

/** Sessions kept, each with its threads; a further shape closes the one unused for longest. */
const mostSessions = 4;

/**
 * The sessions of one encoder graph, a session per batch shape. Callers may run at the same time: their batches go
 * one after the other, so that no session is closed under one that runs.
 */
export class ShapeSessions {
  readonly #runtime: Runtime;
  readonly #program: (batch: BatchShape) => Program;
  /** In the order of their last use. */
  readonly #sessions = new Map<string, Session>();
  #lastRun: Promise<unknown> = Promise.resolve();

  /** @param program builds the graph of a shape, whose output is {@link outputName} */
  constructor(runtime: Runtime, program: (batch: BatchShape) => Program) {
    this.#runtime = runtime;
    this.#program = program;
  }

  /**
   * @returns the output's values, [rows, width]
   * @throws ResourceError if the machine has less memory than the shape needs; a later call may succeed
   */
  run(batch: BatchShape, inputs: Readonly<Record<string, DeviceTensor>>): Promise<Float32Array> {
    const task = (): Promise<Float32Array> => this.#run(batch, inputs);
    const result = this.#lastRun.then(task, task);
    this.#lastRun = result;
    return result;
  }

  /** Releases the sessions once the runs under way have ended. */
  async close(): Promise<void> {
    await this.#lastRun.catch(() => undefined);
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.release();
  }

  async #run(batch: BatchShape, inputs: Readonly<Record<string, DeviceTensor>>): Promise<Float32Array> {
    const session = await this.#session(batch);
    const output = (await session.run(inputs))[outputName];
    if (output === undefined) throw new Error('the encoder returned nothing');
    const values = (await this.#runtime.read(output)) as Float32Array;
    output.dispose();
    return values;
  }

  async #session({ rows, length }: BatchShape): Promise<Session> {
    const key = `${rows}×${length}`;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const [oldest] = this.#sessions;
      if (oldest !== undefined && this.#sessions.size >= mostSessions) {
        this.#sessions.delete(oldest[0]);
        await oldest[1].release();
      }
      const { name, model, peakBytes } = this.#program({ rows, length });
      session = await this.#runtime.createSession(model, { name, memoryBytes: peakBytes });
    }
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    return session;
  }
}
