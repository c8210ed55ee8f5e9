import { problemOf, type Problem } from './problem.ts';

/** One way to compute the layer, ready to run. */
export interface System {
  /** A whole step: forward and backward. @returns the loss */
  step(): Promise<number>;
  /** Of the last step, by name; the matrices are [outputs, inputs]. */
  gradients(): Promise<ReadonlyMap<string, Float32Array>>;
}

export interface Setting {
  readonly hidden: number;
  readonly threads: number;
  /** Which of the ways that the worker knows. */
  readonly variant: string;
  /** Where the driver serves what belongs to the setting: the peers' packages, the training artifacts. */
  readonly artifacts: string;
}

export type OpenSystem = (problem: Problem, setting: Setting) => Promise<System>;

export type Request =
  | { readonly ask: 'open'; readonly setting: Setting }
  | { readonly ask: 'steps'; readonly count: number }
  | { readonly ask: 'gradients' };

export interface Steps {
  readonly milliseconds: readonly number[];
  readonly loss: number;
}

export type Answer =
  | { readonly failed: string }
  | { readonly steps: Steps }
  | { readonly gradients: ReadonlyMap<string, Float32Array> }
  | { readonly opened: true };

/** Makes this worker answer for a system. */
export function serve(open: OpenSystem): void {
  let system: System | undefined;
  const answer = async (request: Request): Promise<Answer> => {
    if (request.ask === 'open') {
      system = await open(problemOf(request.setting.hidden), request.setting);
      return { opened: true };
    }
    if (system === undefined) throw new Error('the system was not opened');
    if (request.ask === 'gradients') return { gradients: await system.gradients() };
    const milliseconds: number[] = [];
    let loss = NaN;
    for (let step = 0; step < request.count; step++) {
      const startedAt = performance.now();
      loss = await system.step();
      milliseconds.push(performance.now() - startedAt);
    }
    return { steps: { milliseconds, loss } };
  };
  self.onmessage = async ({ data }: MessageEvent<Request>) => {
    self.postMessage(await answer(data).catch((error: unknown) => ({ failed: messageOf(error) })));
  };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  // WASM throws the address of a C++ exception.
  return JSON.stringify(error);
}
