/** What the harness and its worker tell each other. */

import type { Verdict } from './judge.ts';

/** What a worker is started with. */
export interface WorkerSettings {
  /** The address of a module that exports `formats`. */
  readonly formats: string;
  readonly format: string;
  readonly seed: number;
  /** Of {@link progressFields}: written by the worker while it is busy and cannot be asked. */
  readonly progress: SharedArrayBuffer;
}

/** Places in the shared array of 32-bit integers. */
export const progressFields = { input: 0, accepted: 1, refused: 2, faults: 3, length: 4 } as const;

export type Request =
  /** Inputs by their numbers, from `from` up to `to`. */
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  /** One input as it is. */
  | { readonly kind: 'one'; readonly bytes: Uint8Array<ArrayBuffer>; readonly resealed: boolean };

export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'fault'; readonly input: number; readonly verdict: Exclude<Verdict, string> }
  /** Of a range. */
  | { readonly kind: 'done' }
  /** Of one input. */
  | { readonly kind: 'verdict'; readonly verdict: Verdict };
