/**
 * What the parts of the GPU benchmark share. Each is a program of its own that prints one JSON line for each result;
 * bench/gpu/run.py starts it, reads the lines as they come and ends it at its limit.
 */
import { openRuntime } from '../../../src/host/node/runtime.ts';
import { messageOf } from '../../../src/core/errors.ts';
import type { Runtime } from '../../../src/host/contract.ts';

/** Small sizes, for a processor that plays a GPU: a trial of the programs, without information about speed. */
export const small = process.argv.includes('--small');

export interface Result {
  readonly what: string;
  /** What computed: "WebGPU", "CPU", "PyTorch fp32". */
  readonly on: string;
  readonly value?: number | string;
  readonly unit?: string;
  /** Sizes and weights, as the table shows them. */
  readonly note?: string;
  /** Why there is no value, and could not be. */
  readonly skipped?: string;
  /** Why there is no value, though there should be. */
  readonly failed?: string;
  /** Further figures, for the JSON file. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Prints a line at once: what was printed before a program is ended counts. */
export function report(line: Result | Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Measures one thing; where that fails its reason is the result, and the program goes on to the next. */
export async function attempt(
  what: string,
  on: string,
  work: () => Omit<Result, 'what' | 'on'> | Promise<Omit<Result, 'what' | 'on'>>,
): Promise<void> {
  try {
    report({ what, on, ...(await work()) });
  } catch (error) {
    report({ what, on, failed: oneLine(messageOf(error)) });
  }
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 400);
}

/** Runs a part on WebGPU. The last line of standard error is why it failed. */
export async function onWebGpu(part: (runtime: Runtime) => Promise<void>): Promise<void> {
  try {
    const runtime = await openRuntime({ device: 'webgpu' });
    await part(runtime);
    await runtime.close();
  } catch (error) {
    process.stderr.write(`${oneLine(messageOf(error))}\n`);
    process.exitCode = 1;
  }
}
