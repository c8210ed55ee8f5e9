import { concatenate, type Bytes } from './mutate.ts';

export interface MinimizeOptions {
  /** How often the input may be read. */
  readonly attempts: number;
  readonly seconds: number;
}

/**
 * The shortest input that can be found by cutting pieces out, half of it first and single bytes last.
 * @param isSame whether the rest meets the same fault
 */
export async function minimized(
  bytes: Bytes,
  isSame: (bytes: Bytes) => Promise<boolean>,
  { attempts, seconds }: MinimizeOptions,
): Promise<Bytes> {
  const endsAt = performance.now() + seconds * 1000;
  let best = bytes;
  let left = attempts;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length;) {
      if (left-- <= 0 || performance.now() > endsAt) return best;
      const candidate = concatenate([best.subarray(0, at), best.subarray(at + size)]);
      if (await isSame(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}
