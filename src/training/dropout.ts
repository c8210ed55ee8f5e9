import { randomUint32, streamKey } from '../core/random.ts';

/** Identifies one mask of a training: the same place gets the same mask on every host, and after a resume. */
export interface DropoutPlace {
  readonly seed: number;
  /** The optimizer step. */
  readonly step: number;
  /** Which dropout of the network, e.g. `layer.3.attention`. */
  readonly site: string;
  readonly microBatch: number;
}

/**
 * Fills a mask with 0 (dropped) and 1 / keep (kept), to be multiplied with activations. A byte decides on an
 * element, so the share kept is the multiple of 1/256 nearest to 1 − probability, and the kept value is the inverse
 * of that very share: the expectation of an element is 1. Integer arithmetic only.
 *
 * @param probability from 0 up to 255.5 / 256.
 */
export function fillDropoutMask(out: Float32Array, probability: number, place: DropoutPlace): void {
  const keptBytes = Math.round(256 * (1 - probability));
  if (!(keptBytes >= 1 && keptBytes <= 256))
    throw new RangeError(`cannot drop ${probability} of the elements`);
  // A table instead of a comparison: the CPU cannot predict a random branch.
  const valueOfByte = new Float32Array(256).fill(256 / keptBytes, 0, keptBytes);
  const key = streamKey(place.seed, 'dropout', place.step, place.site, place.microBatch);
  const whole = out.length - (out.length % 4);
  for (let at = 0; at < whole; at += 4) {
    const bits = randomUint32(key, at >>> 2);
    out[at] = valueOfByte[bits & 255] as number;
    out[at + 1] = valueOfByte[(bits >>> 8) & 255] as number;
    out[at + 2] = valueOfByte[(bits >>> 16) & 255] as number;
    out[at + 3] = valueOfByte[bits >>> 24] as number;
  }
  const last = randomUint32(key, whole >>> 2);
  for (let at = whole; at < out.length; at++) {
    out[at] = valueOfByte[(last >>> (8 * (at - whole))) & 255] as number;
  }
}
