import { expect, it } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { DuplicateFinder } from '../../src/import/near-duplicates.ts';

const random = new RandomStream(5, 'texts');
const words = (count: number): string[] => Array.from({ length: count }, () => `w${random.integer(20_000)}`);

/** The Jaccard similarity of the sets of three-word shingles. */
function similarity(a: readonly string[], b: readonly string[]): number {
  const shingles = (text: readonly string[]): Set<string> =>
    new Set(text.slice(2).map((_, i) => text.slice(i, i + 3).join(' ')));
  const [x, y] = [shingles(a), shingles(b)];
  const common = [...x].filter((shingle) => y.has(shingle)).length;
  return common / (x.size + y.size - common);
}

it('finds texts that differ in little and keeps texts that differ in much', () => {
  const found = { close: 0, far: 0 };
  let [close, far] = [0, 0];
  for (let i = 0; i < 400; i++) {
    const text = words(120);
    const changed = text.map((word) =>
      random.uniform() < (i % 2 ? 0.008 : 0.12) ? `x${random.integer(999)}` : word,
    );
    const finder = new DuplicateFinder();
    finder.add(text.join(' '), 0);
    const isFound = finder.add(changed.join(' '), 1) !== undefined;
    const value = similarity(text, changed);
    if (value > 0.96) [close, found.close] = [close + 1, found.close + (isFound ? 1 : 0)];
    if (value < 0.8) [far, found.far] = [far + 1, found.far + (isFound ? 1 : 0)];
  }
  expect(close).toBeGreaterThan(60);
  expect(far).toBeGreaterThan(100);
  expect(found.close / close).toBeGreaterThan(0.95);
  expect(found.far / far).toBeLessThan(0.02);
});

it('says which text is repeated, of copies of copies the first', () => {
  const finder = new DuplicateFinder();
  const text = words(60).join(' ');
  expect(finder.add(text, 7)).toBeUndefined();
  expect(finder.add(words(60).join(' '), 8)).toBeUndefined();
  expect(finder.add(`  ${text.toUpperCase()}\n`, 9)).toEqual({ kind: 'exact', of: 7 });
  expect(finder.add(`${text} more`, 10)).toEqual({ kind: 'near', of: 7 });
  expect(finder.add(`${text} more`, 11)).toEqual({ kind: 'exact', of: 7 });
});

it('takes time that grows with the texts, also where all are alike', () => {
  // The same 40 words in front: every text shares shingles with all others.
  const boilerplate = words(40).join(' ');
  const seconds = (count: number): number => {
    const finder = new DuplicateFinder();
    const start = process.cpuUsage();
    for (let i = 0; i < count; i++) finder.add(`${boilerplate} ${words(20).join(' ')}`, i);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  };
  seconds(1000);
  expect(seconds(16_000) / seconds(4000)).toBeLessThan(8);
});
