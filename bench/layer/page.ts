/** Measures the systems of one setting beside each other, each in a worker of its own. */
import { operationsOfStep, problemOf } from './problem.ts';
import type { Answer, Request, Steps } from './system.ts';

const workers = {
  studio: () => new Worker(new URL('studio.worker.ts', import.meta.url), { type: 'module' }),
  onnxruntime: () => new Worker(new URL('onnxruntime.worker.mjs', import.meta.url), { type: 'module' }),
  training: () => new Worker(new URL('training.worker.mjs', import.meta.url), { type: 'module' }),
  tensorflow: () => new Worker(new URL('tensorflow.worker.mjs', import.meta.url), { type: 'module' }),
  jax: () => new Worker(new URL('jax.worker.mjs', import.meta.url), { type: 'module' }),
} as const;

declare global {
  /** Of the driver: seconds of processor time that the page and its workers have taken so far. */
  var processorSeconds: () => Promise<number>;
}

/** Of whom the others' results and times are ratios. */
const reference = 'studio.split';

export interface Plan {
  readonly hidden: number;
  readonly threads: number;
  /** `<worker>.<variant>` each; the first is the reference. */
  readonly systems: readonly string[];
  readonly artifacts: string;
  readonly warmUp: number;
  readonly rounds: number;
  readonly stepsOfRound: number;
}

export interface Row {
  readonly system: string;
  readonly failed: string | undefined;
  readonly milliseconds: readonly number[];
  /** Milliseconds of processor time a step, of all threads together. */
  readonly processor: number;
  readonly loss: number;
  /** |loss − ours| / |ours| */
  readonly lossDifference: number;
  /** The largest ‖gradient − ours‖ / ‖ours‖, and whose it is. */
  readonly gradientDifference: number;
  readonly gradientName: string;
}

interface Open {
  readonly system: string;
  readonly ask: (request: Request) => Promise<Answer>;
  readonly milliseconds: number[];
  processorSeconds: number;
  loss: number;
  failed: string | undefined;
  gradients: ReadonlyMap<string, Float32Array>;
  readonly close: () => void;
}

/** What one request may take before its system counts as failed: a worker that traps may never answer. */
const patienceMilliseconds = 300_000;

function start(system: string): Open {
  const [name] = system.split('.');
  const worker = workers[name as keyof typeof workers]();
  return {
    system,
    ask: (request) =>
      new Promise((resolve) => {
        const patience = setTimeout(() => resolve({ failed: 'no answer' }), patienceMilliseconds);
        const settle = (answer: Answer): void => {
          clearTimeout(patience);
          resolve(answer);
        };
        worker.onmessage = ({ data }: MessageEvent<Answer>) => settle(data);
        worker.onerror = ({ message }) => settle({ failed: message });
        worker.postMessage(request);
      }),
    milliseconds: [],
    processorSeconds: 0,
    loss: NaN,
    failed: undefined,
    gradients: new Map(),
    close: () => worker.terminate(),
  };
}

async function steps(open: Open, count: number): Promise<Steps | undefined> {
  if (open.failed !== undefined) return undefined;
  const answer = await open.ask({ ask: 'steps', count });
  if ('steps' in answer) {
    open.loss = answer.steps.loss;
    return answer.steps;
  }
  open.failed = 'failed' in answer ? answer.failed : 'an answer to another question';
  return undefined;
}

/** @returns the floating-point operations of a step, and a row for each system */
export async function measure(plan: Plan): Promise<{ operations: number; rows: Row[] }> {
  if (!crossOriginIsolated) throw new Error('the page is not isolated: there are no threads');
  const systems = plan.systems.map(start);
  for (const open of systems) {
    const [, variant = ''] = open.system.split('.');
    const { hidden, threads, artifacts } = plan;
    const answer = await open.ask({ ask: 'open', setting: { hidden, threads, artifacts, variant } });
    if ('failed' in answer) open.failed = answer.failed;
    // One step at a time, so that a system that takes minutes for one is given up early.
    for (let step = 0; step < plan.warmUp; step++) await steps(open, 1);
    if (open.failed !== undefined) continue;
    const found = await open.ask({ ask: 'gradients' });
    if ('gradients' in found) open.gradients = found.gradients;
    else open.failed = 'failed' in found ? found.failed : 'no gradients';
  }
  for (let round = 0; round < plan.rounds; round++) {
    for (const open of systems) {
      // The first step of a round finds the caches and the threads cold, and is not counted.
      await steps(open, 1);
      const before = await processorSeconds();
      const taken = await steps(open, plan.stepsOfRound);
      open.processorSeconds += (await processorSeconds()) - before;
      open.milliseconds.push(...(taken?.milliseconds ?? []));
    }
  }
  for (const open of systems) open.close();
  const ours = systems.find(({ system }) => system === reference);
  if (ours === undefined) throw new Error(`${reference} is not among the systems`);
  return {
    operations: operationsOfStep(problemOf(plan.hidden)),
    rows: systems.map((open) => row(open, ours)),
  };
}

function row(open: Open, ours: Open): Row {
  const { system, failed, milliseconds, loss, gradients } = open;
  const norms = new Map([...ours.gradients].map(([name, values]) => [name, norm(values)]));
  const largest = Math.max(...norms.values());
  let worst = 0;
  let worstName = '';
  for (const [name, values] of ours.gradients) {
    const own = norms.get(name) ?? 0;
    // Softmax takes no notice of the key's bias: its gradient is zero but for rounding.
    if (own < 1e-5 * largest) continue;
    const theirs = gradients.get(name);
    const difference =
      theirs?.length === values.length
        ? norm(values.map((v, i) => v - (theirs[i] as number))) / own
        : Infinity;
    if (difference <= worst) continue;
    worst = Number.isNaN(difference) ? Infinity : difference;
    worstName = name;
  }
  return {
    system,
    failed,
    milliseconds,
    processor: (1000 * open.processorSeconds) / milliseconds.length,
    loss,
    lossDifference: Math.abs((loss - ours.loss) / ours.loss),
    gradientDifference: worst,
    gradientName: worstName,
  };
}

function norm(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
