import type { ListDocument } from '../corpus/types.ts';
import type { RandomStream } from '../core/random.ts';

/**
 * Which of a list's passages are used besides the positive if there are more than needed:
 * - `top`: the first of the list;
 * - `fixed`: sampled once by the seed;
 * - `random`: sampled each time;
 * - `stratified`: sampled each time, spread evenly over the range of hardness from the list's easiest to its
 *   hardest (arXiv 2604.04734 finds it better than top and random for distillation).
 *
 * Hardness is the teacher's score; if a passage has none, the ranks; if one lacks that too, the order.
 */
export const negativeChoices = ['top', 'fixed', 'random', 'stratified'] as const;
export type NegativeChoice = (typeof negativeChoices)[number];

/** `easy-to-hard`: as many in a row of the order of hardness, the easiest with the first step, the hardest with the last. */
export const movingChoices = [...negativeChoices, 'easy-to-hard'] as const;
export type MovingChoice = (typeof movingChoices)[number];

/**
 * Chooses `count` passages, or all where there are no more; they stay in the order of the list.
 * @param random asked for numbers only where the choice needs them
 * @param progress how much of the training is done, from 0 with its first step to 1 with its last
 */
export function chooseNegatives(
  others: readonly ListDocument[],
  count: number,
  choice: MovingChoice,
  random: () => RandomStream,
  progress: number,
): readonly ListDocument[] {
  if (others.length <= count) return others;
  const places = placesOf(others, count, choice, random, progress);
  return Array.from(places.sort(), (place) => others[place] as ListDocument);
}

function placesOf(
  others: readonly ListDocument[],
  count: number,
  choice: MovingChoice,
  random: () => RandomStream,
  progress: number,
): Int32Array {
  switch (choice) {
    case 'top':
      return Int32Array.from({ length: count }, (_, place) => place);
    case 'fixed':
    case 'random':
      return random().shuffle(Int32Array.from(others.keys())).subarray(0, count);
    case 'easy-to-hard': {
      const { order } = byHardness(others);
      const first = Math.round(progress * (others.length - count));
      return order.slice(first, first + count);
    }
    case 'stratified':
      return stratified(others, count, random());
  }
}

/** One passage for each of `count` equal parts of the range: of those left, the one nearest to a random point of it. */
function stratified(others: readonly ListDocument[], count: number, random: RandomStream): Int32Array {
  const { order, hardness } = byHardness(others);
  const easiest = hardness[order[0] as number] as number;
  const hardest = hardness[order.at(-1) as number] as number;
  const left = [...order];
  return Int32Array.from({ length: count }, (_, part) => {
    const point = easiest + ((hardest - easiest) * (part + random.uniform())) / count;
    let nearest = 0;
    for (let at = 1; at < left.length; at++) {
      const distance = Math.abs((hardness[left[at] as number] as number) - point);
      const best = Math.abs((hardness[left[nearest] as number] as number) - point);
      if (distance < best) nearest = at;
    }
    return left.splice(nearest, 1)[0] as number;
  });
}

/** The places of passages from the easiest to the hardest, and how hard each is. */
function byHardness(others: readonly ListDocument[]): { order: Int32Array; hardness: Float64Array } {
  const scored = others.every(({ teacher }) => teacher !== undefined);
  const ranked = others.every(({ rank }) => rank !== undefined);
  const hardness = Float64Array.from(others, ({ teacher, rank }, place) =>
    scored ? (teacher ?? 0) : -(ranked ? (rank ?? 0) : place),
  );
  const order = Int32Array.from(others.keys()).sort(
    (a, b) => (hardness[a] as number) - (hardness[b] as number) || a - b,
  );
  return { order, hardness };
}
