import { cosineOfTurns, log } from './exact-math.ts';

/**
 * Counter-based random numbers: every value is a pure function of (seed, stream, index), so nothing has to be
 * stored to repeat or resume a computation, on any host. Integer arithmetic only.
 */

/** Mixes 32 bits (Murmur3's finalizer): every input bit reaches every output bit. */
function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A 32-bit key for a named stream of a seed, e.g. `streamKey(seed, 'batches', epoch)`. */
export function streamKey(seed: number, ...parts: readonly (string | number)[]): number {
  let key = mix32(seed ^ 0x9e3779b9);
  for (const part of parts) {
    if (typeof part === 'number') {
      key = mix32(key ^ mix32((part | 0) + 0x7f4a7c15));
      key = mix32(key ^ Math.floor(part / 4294967296));
    } else {
      for (let i = 0; i < part.length; i++) key = mix32((key + part.charCodeAt(i) + 0x9e3779b9) | 0);
      key = mix32(key ^ part.length);
    }
  }
  return key;
}

/** The `index`-th 32-bit integer of a stream. */
export function randomUint32(key: number, index: number): number {
  return mix32(mix32((index | 0) ^ key) + Math.imul(key, 0x9e3779b1));
}

/** The `index`-th number of a stream, uniform in [0, 1), with 32 random bits. */
export function randomUniform(key: number, index: number): number {
  return randomUint32(key, index) / 4294967296;
}

/** A random generator that walks along one stream. */
export class RandomStream {
  readonly #key: number;
  #index = 0;

  constructor(seed: number, ...parts: readonly (string | number)[]) {
    this.#key = streamKey(seed, ...parts);
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return randomUniform(this.#key, this.#index++);
  }

  /** Uniform integer in [0, bound). The bias is below bound / 2^32. */
  integer(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Standard normal (Box–Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * log(1 - this.uniform()));
    return radius * cosineOfTurns(this.uniform());
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = items[i];
      items[i] = items[j];
      items[j] = held;
    }
    return items;
  }
}
