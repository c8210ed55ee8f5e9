import { isGpu, type DeviceTensor, type Runtime, type Session } from '../host/contract.ts';
import type { BatchShape } from './forward.ts';
import { outputName, type Program } from './graphs.ts';

/** Sessions kept; a further shape closes the one unused for longest. On a CPU each has threads of its own. */
const mostSessions = { cpu: 4, gpu: 16 } as const;
/** Tokens that a GPU gets before it is waited for: work for some seconds where it is slow. */
const tokensInFlight = 32_768;

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
   * Runs the batches one after the other. A GPU is not waited for after each: rows come some batches later, in order.
   * @param take gets the output's values of a batch, [rows, width]
   * @throws ResourceError if the machine has less memory than a shape needs; a later call may succeed
   */
  async run<Batch extends BatchShape>(
    batches: readonly Batch[],
    inputsOf: (batch: Batch) => Readonly<Record<string, DeviceTensor>>,
    take: (batch: Batch, values: Float32Array) => void,
  ): Promise<void> {
    const unread: { readonly batch: Batch; readonly output: DeviceTensor }[] = [];
    let tokens = 0;
    try {
      for (const [at, batch] of batches.entries()) {
        const output = await this.#inTurn(batch, inputsOf(batch));
        unread.push({ batch, output });
        tokens += batch.rows * batch.length;
        const onHost = this.#runtime.hostMemory(output) !== undefined;
        if (!onHost && tokens < tokensInFlight && at + 1 < batches.length) continue;
        tokens = 0;
        const values = await this.#runtime.readAll(unread.map((each) => each.output));
        for (const [i, each] of unread.splice(0).entries()) {
          take(each.batch, values[i] as Float32Array);
          each.output.dispose();
        }
      }
    } finally {
      for (const { output } of unread) output.dispose();
    }
  }

  /** Releases the sessions once the runs under way have ended. */
  async close(): Promise<void> {
    await this.#lastRun.catch(() => undefined);
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.release();
  }

  #inTurn(batch: BatchShape, inputs: Readonly<Record<string, DeviceTensor>>): Promise<DeviceTensor> {
    const task = async (): Promise<DeviceTensor> => {
      const session = await this.#session(batch);
      const output = (await session.run(inputs))[outputName];
      if (output === undefined) throw new Error('the encoder returned nothing');
      return output;
    };
    const result = this.#lastRun.then(task, task);
    this.#lastRun = result;
    return result;
  }

  async #session({ rows, length }: BatchShape): Promise<Session> {
    const key = `${rows}×${length}`;
    const most = isGpu(this.#runtime.device) ? mostSessions.gpu : mostSessions.cpu;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const [oldest] = this.#sessions;
      if (oldest !== undefined && this.#sessions.size >= most) {
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
