import { expect } from 'vitest';
import { addDispatches } from '../../support/browser/gpu-dispatches.ts';
import type {
  Comparison,
  LibraryAnswer,
  LibraryRequest,
  ScenarioInput,
  ScenarioName,
  ScenarioResult,
} from './library-worker.ts';

type Answer<Name extends ScenarioName> = Omit<LibraryAnswer, 'result'> & {
  readonly result?: ScenarioResult<Name>;
};

/** Runs a scenario in a new module worker, which may ask for nothing but the page's files and the hub's. */
export async function libraryInWorker<Name extends ScenarioName>(
  name: Name,
  ...input: ScenarioInput<Name>
): Promise<Answer<Name>> {
  const worker = new Worker(new URL('library-worker.ts', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<LibraryAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<LibraryAnswer>) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(`the worker failed: ${message}`));
      worker.postMessage({ name, input } satisfies LibraryRequest);
    });
    addDispatches(answer.dispatches);
    expect(answer.fetched.length).toBeGreaterThan(0);
    expect(answer.fetched.filter((address) => !address.startsWith(`${location.origin}/`))).toEqual([]);
    return answer as Answer<Name>;
  } finally {
    worker.terminate();
  }
}

export async function libraryResult<Name extends ScenarioName>(
  name: Name,
  ...input: ScenarioInput<Name>
): Promise<ScenarioResult<Name> & Pick<LibraryAnswer, 'fetched'>> {
  const { result, error, fetched } = await libraryInWorker(name, ...input);
  if (result === undefined) throw new Error(error?.message ?? 'no answer');
  return { ...result, fetched };
}

/** The files of ONNX Runtime's WASM that were fetched, by name. */
export function fetchedWasm(fetched: readonly string[]): string[] {
  return fetched
    .map((address) => new URL(address).pathname.split('/').at(-1) ?? '')
    .filter((name) => name.endsWith('.wasm'));
}

export function expectSame({ difference, spread }: Comparison): void {
  expect(difference).toBeLessThan(1e-4);
  // Equal for a reason: the values differ among themselves.
  expect(spread).toBeGreaterThan(0.01);
}
