import type { BrowserRuntimeOptions } from '../../src/host/browser/runtime.ts';

export interface StepRequest {
  readonly size: 'small' | 'MiniLM';
  readonly runtime: BrowserRuntimeOptions;
}

export interface StepTimes {
  /** Of each step after the first. */
  readonly seconds: readonly number[];
  readonly detail: string;
}

/** Trains in a worker of its own. */
export async function stepTimes(request: StepRequest): Promise<StepTimes> {
  const worker = new Worker(new URL('step-worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<StepTimes | string>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<StepTimes | string>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(request);
    });
    if (typeof answer === 'string') throw new Error(answer);
    return answer;
  } finally {
    worker.terminate();
  }
}
