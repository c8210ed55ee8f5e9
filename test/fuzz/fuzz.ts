/** Runs a format's inputs, and makes of each new fault a file and a line that repeats it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FuzzFormat } from './format.ts';
import { isFault, makeInput, type Fault } from './judge.ts';
import { Lane, LIMITS, type Limits } from './lane.ts';
import { minimized } from './minimize.ts';
import { progressFields } from './protocol.ts';
import type { Bytes } from './mutate.ts';

export interface FuzzOptions {
  readonly format: FuzzFormat;
  /** The address of the module whose `formats` it is among; the worker imports it. */
  readonly formats: string;
  readonly seed: number;
  /** Numbers of inputs, from `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  /** Where the inputs with faults are written. */
  readonly folder: string;
  readonly limits?: Limits;
  readonly onProgress?: (progress: FuzzProgress) => void;
}

export interface FuzzProgress {
  readonly done: number;
  readonly total: number;
  readonly faults: number;
  readonly seconds: number;
}

export interface FoundFault extends Fault {
  /** The number of the first input with it. */
  readonly input: number;
  /** How many inputs met it. */
  readonly count: number;
  readonly steps: readonly string[];
  readonly file: string;
  readonly bytes: number;
  readonly minimizedBytes: number;
  /** The command that repeats it. */
  readonly repeat: string;
}

export interface FuzzReport {
  readonly format: string;
  readonly seed: number;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Inputs with a fault. */
  readonly faulty: number;
  /** One for each signature. */
  readonly faults: readonly FoundFault[];
  readonly seconds: number;
  /** The most that the process ever had. */
  readonly peakBytes: number;
  /** Inputs that were over a limit once and not again: the machine was busy. */
  readonly notRepeated: number;
}

const MOST_FAULTS = 20;

export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { format, formats, seed, from, to, limits = LIMITS } = options;
  const lane = new Lane({ formats, format: format.name, seed }, limits);
  const startedAt = performance.now();
  const first = new Map<string, { readonly input: number; readonly fault: Fault; count: number }>();
  const add = (input: number, fault: Fault): void => {
    const known = first.get(fault.signature);
    if (known === undefined) first.set(fault.signature, { input, fault, count: 1 });
    else known.count++;
  };
  const count = (field: 'accepted' | 'refused' | 'faults'): number => lane.counts[progressFields[field]] ?? 0;
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const tell = (): void =>
    options.onProgress?.({
      done: count('accepted') + count('refused') + count('faults'),
      total: to - from,
      faults: [...first.values()].reduce((sum, each) => sum + each.count, 0),
      seconds: seconds(),
    });
  const ticking = setInterval(tell, 1000);
  let notRepeated = 0;
  try {
    for (let next = from; next < to;) {
      const end = await lane.range(next, to, add);
      if (end.kind === 'done') break;
      next = end.input + 1;
      // Alone, and in a fresh worker: what a machine that others use has held up is no fault.
      const { bytes, resealed } = makeInput(format, seed, end.input);
      const again = await alone(options, bytes, resealed);
      Atomics.add(lane.counts, isFault(again) ? progressFields.faults : progressFields[again], 1);
      if (isFault(again)) add(end.input, again);
      else notRepeated++;
    }
    clearInterval(ticking);
    tell();
    // Before the faults are made small, which takes its own time.
    const readSeconds = seconds();
    const faults: FoundFault[] = [];
    for (const each of [...first.values()].slice(0, MOST_FAULTS)) faults.push(await found(options, each));
    return {
      format: format.name,
      seed,
      inputs: to - from,
      accepted: count('accepted'),
      refused: count('refused'),
      faulty: count('faults'),
      faults,
      seconds: readSeconds,
      peakBytes: process.resourceUsage().maxRSS * 1024,
      notRepeated,
    };
  } finally {
    clearInterval(ticking);
    await lane.close();
  }
}

/** Reads one input in a worker of its own. */
export async function alone(
  { format, formats, seed, limits = LIMITS }: Pick<FuzzOptions, 'format' | 'formats' | 'seed' | 'limits'>,
  bytes: Bytes,
  resealed: boolean,
): ReturnType<Lane['one']> {
  const lane = new Lane({ formats, format: format.name, seed }, limits);
  try {
    return await lane.one(bytes, resealed);
  } finally {
    await lane.close();
  }
}

async function found(
  options: FuzzOptions,
  { input, fault, count }: { readonly input: number; readonly fault: Fault; readonly count: number },
): Promise<FoundFault> {
  const { format, formats, seed, folder, limits = LIMITS } = options;
  const { bytes, resealed, steps } = makeInput(format, seed, input);
  const lane = new Lane({ formats, format: format.name, seed }, limits);
  const isSame = async (candidate: Bytes): Promise<boolean> => {
    const verdict = await lane.one(candidate, resealed);
    return isFault(verdict) && verdict.signature === fault.signature;
  };
  let shortest = bytes;
  try {
    // An example stays as it is: that it is refused says nothing about a part of it.
    if (fault.kind !== 'example') shortest = await minimized(bytes, isSame, { attempts: 3000, seconds: 20 });
  } finally {
    await lane.close();
  }
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${format.name}-${seed}-${input}`);
  writeFileSync(`${file}.input`, bytes);
  writeFileSync(`${file}.min`, shortest);
  return {
    ...fault,
    input,
    count,
    steps,
    file: `${file}.min`,
    bytes: bytes.length,
    minimizedBytes: shortest.length,
    repeat: `npm run fuzz -- ${format.name} --seed ${seed} --only ${input}`,
  };
}
