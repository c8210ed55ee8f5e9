import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ListDocument, ListRecord } from '../../../src/corpus/types.ts';
import { RandomStream } from '../../../src/core/random.ts';
import { parseLossSpec } from '../../../src/losses/loss-spec.ts';
import { DocumentNumbers } from '../../../src/training/batch-layout.ts';
import { batchesOf } from '../../../src/training/list-objective.ts';
import { lossOfSource } from '../../../src/training/mixing/loss-of-source.ts';
import type { Mix, MixedSource } from '../../../src/training/mixing/mix.ts';
import { MixedBatches, type MixedBatchOptions } from '../../../src/training/mixing/mixed-batches.ts';
import { rowsOfSteps, weightAt } from '../../../src/training/mixing/quotas.ts';
import { chooseNegatives } from '../../../src/training/negative-choice.ts';

const document = (id: string, label: number, teacher: number): ListDocument => ({
  id,
  text: `text of ${id}`,
  label,
  teacher,
  source: 'any',
});

/** Lists of a source; those of the same number have the same positive in every source. */
function listsOf(origin: string, count: number): ListRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    query_id: `${origin}${i}`,
    query: `query ${i}`,
    origin,
    documents: [
      document(`p${i}`, 1, 1),
      ...[0, 1, 2, 3].map((n) => document(`${origin}${i}n${n}`, 0, n / 10)),
    ],
  }));
}

const options: MixedBatchOptions = {
  seed: 7,
  batchSize: 8,
  incomplete: 'drop',
  distinctPassages: false,
  negatives: 2,
  choice: 'random',
  rowPer: 'list',
  otherPositives: false,
  epochs: 4,
};
const source = (name: string, rest: Partial<MixedSource> = {}): MixedSource => ({ name, weight: 1, ...rest });
const mixOf = (sources: readonly MixedSource[], batches: Mix['batches'] = 'mixed'): Mix => ({
  batches,
  sources,
});
const [bm25, written] = [listsOf('a', 40), listsOf('b', 24)];
const both = [...bm25, ...written];

const mixed = (mix: Mix, changes: Partial<MixedBatchOptions> = {}, lists = both): MixedBatches =>
  new MixedBatches(lists, new DocumentNumbers(), mix, { ...options, ...changes });

/** How many rows of a source stand in each step. */
const counts = (batches: MixedBatches, name: string, epochs = 4): number[] =>
  Array.from({ length: batches.stepsInEpochs(epochs) }, (_, step) => {
    const at = batches.locate(step);
    return batches.batch(at.epoch, at.step).filter(({ record }) => record.origin === name).length;
  });

describe('shares', () => {
  test('are kept to a row at every step, whatever the weights', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 16 }),
        (weights, batchSize) => {
          const sources = weights.map((weight, i) => source(`s${i}`, { weight }));
          const rows = rowsOfSteps(mixOf(sources), batchSize, 40);
          const sum = weights.reduce((all, weight) => all + weight, 0);
          for (let step = 0, given = weights.map(() => 0); step < 40; step++) {
            given = given.map((count, i) => count + rows[i]![step]!);
            expect(given.reduce((all, count) => all + count, 0)).toBe((step + 1) * batchSize);
            given.forEach((count, i) => {
              const due = ((step + 1) * batchSize * weights[i]!) / sum;
              expect(Math.abs(count - due)).toBeLessThan(1);
            });
          }
        },
      ),
    );
  });

  test('three to one are six and two of eight, in each batch', () => {
    const batches = mixed(mixOf([source('a', { weight: 3 }), source('b')]));
    expect(batches.stepsInEpochs(1)).toBe(8);
    expect(new Set(counts(batches, 'a'))).toEqual(new Set([6]));
    expect(new Set(counts(batches, 'b'))).toEqual(new Set([2]));
    // The rows of a source stand together.
    expect(batches.batch(0, 0).map(({ record }) => record.origin)).toEqual('aaaaaabb'.split(''));
  });

  test('same-source batches take turns: three to one', () => {
    const batches = mixed(mixOf([source('a', { weight: 3 }), source('b')], 'same-source'));
    const ofB = counts(batches, 'b');
    expect(new Set(ofB)).toEqual(new Set([0, 8]));
    expect(ofB.filter((count) => count > 0)).toHaveLength(ofB.length / 4);
    for (let turn = 0; turn < ofB.length; turn += 4) {
      expect(ofB.slice(turn, turn + 4).filter((count) => count > 0)).toHaveLength(1);
    }
  });

  test('concatenated is one heap, the same as without a mix', () => {
    const settings = { batches: options, epochs: 2, seed: 7 };
    const heap = batchesOf(both, settings);
    const concatenated = batchesOf(both, {
      ...settings,
      mix: mixOf([source('a'), source('b')], 'concatenated'),
    });
    expect(concatenated.batch(1, 3)).toEqual(heap.batch(1, 3));
    const ofEpoch = Array.from({ length: 8 }, (_, step) => concatenated.batch(0, step)).flat();
    expect(ofEpoch.map(({ record }) => record.query_id).sort()).toEqual(
      both.map(({ query_id }) => query_id).sort(),
    );
  });
});

describe('schedules', () => {
  test('a linear weight goes from the first to the end weight, and is 0 outside its steps', () => {
    const rising = source('a', { weight: 1, endWeight: 3, firstStep: 3, lastStep: 7 });
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8].map((step) => weightAt(rising, step, 9))).toEqual([
      0, 0, 1, 1.5, 2, 2.5, 3, 0, 0,
    ]);
    // A last step after the training's own: it ends with the training.
    expect(weightAt(source('a', { weight: 0, endWeight: 1, lastStep: 1000 }), 8, 9)).toBe(1);
    expect(weightAt(source('a', { weight: 2 }), 0, 1)).toBe(2);
  });

  test('a fading source gives exactly what its weight says', () => {
    // Weights of b: 1, 0.75, 0.5, 0.25, 0 beside 1: 4, 3.43, 2.67, 1.6, 0 of 8 rows, 11.7 in all.
    const mix = mixOf([source('a'), source('b', { weight: 1, endWeight: 0 })]);
    const ofB = [...rowsOfSteps(mix, 8, 5)[1]!];
    expect(ofB).toEqual([4, 3, 3, 2, 0]);
  });

  test('a source begins and ends with its steps', () => {
    const batches = mixed(mixOf([source('a'), source('b', { firstStep: 9, lastStep: 16 })]));
    const ofB = counts(batches, 'b');
    expect(ofB.slice(0, 8)).toEqual(Array<number>(8).fill(0));
    expect(ofB.slice(8, 16)).toEqual(Array<number>(8).fill(4));
    expect(ofB.slice(16)).toEqual(Array<number>(16).fill(0));
  });

  test('go by the steps that are taken', () => {
    const mix = mixOf([source('a', { weight: 1, endWeight: 0 }), source('b', { weight: 0, endWeight: 1 })]);
    const short = mixed(mix, { maxSteps: 5 });
    const ofA = Array.from(
      { length: 5 },
      (_, step) => short.batch(0, step).filter(({ record }) => record.origin === 'a').length,
    );
    expect(ofA).toEqual([8, 6, 4, 2, 0]);
  });

  test('steps without a source are refused', () => {
    const mix = mixOf([source('a', { lastStep: 3 }), source('b', { firstStep: 5 })]);
    expect(() => mixed(mix)).toThrow(/no source of the mix has a weight above 0 at step 4 of 32/);
  });
});

describe('batches', () => {
  test('depend on seed, epoch and step alone', () => {
    const mix = mixOf([
      source('a', { weight: 2, choice: 'stratified' }),
      source('b', { weight: 1, endWeight: 2, choice: 'easy-to-hard' }),
    ]);
    for (const distinctPassages of [false, true]) {
      const forward = mixed(mix, { distinctPassages });
      const inOrder = Array.from({ length: 32 }, (_, step) => forward.batch(step >> 3, step & 7));
      const resumed = mixed(mix, { distinctPassages });
      for (const step of [29, 3, 30, 8, 8, 0]) {
        expect(resumed.batch(step >> 3, step & 7)).toEqual(inOrder[step]);
      }
      const other = mixed(mix, { distinctPassages, seed: 8 });
      expect(other.batch(0, 0)).not.toEqual(inOrder[0]);
    }
  });

  test('go through all rows of a source before any comes again', () => {
    const batches = mixed(mixOf([source('a'), source('b')]));
    const given = Array.from({ length: 32 }, (_, step) => batches.batch(step >> 3, step & 7))
      .flat()
      .filter(({ record }) => record.origin === 'b')
      .map(({ record }) => record.query_id);
    expect(given).toHaveLength(128);
    for (let pass = 0; pass + 24 <= given.length; pass += 24) {
      expect(new Set(given.slice(pass, pass + 24)).size).toBe(24);
    }
    expect(given.slice(0, 24)).not.toEqual(given.slice(24, 48));
  });

  test('hold no passage twice where passages must be distinct, and waiting rows come later', () => {
    const batches = mixed(mixOf([source('a'), source('b')]), { distinctPassages: true });
    const seen = new Set<string>();
    for (let step = 0; step < 8; step++) {
      const batch = batches.batch(0, step);
      const ids = batch.flatMap(({ documents }) => documents.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
      expect(batch).toHaveLength(8);
      for (const { record } of batch) seen.add(record.query_id);
    }
    // Four rows of each of eight steps: none of a source comes twice while others wait.
    expect([...seen].filter((id) => id.startsWith('b')).length).toBeGreaterThanOrEqual(23);
  });

  test('are smaller where nothing fits', () => {
    const same = listsOf('a', 3).map((list) => ({
      ...list,
      documents: [document('p', 1, 1), ...list.documents.slice(1)],
    }));
    const batches = mixed(mixOf([source('a')]), { distinctPassages: true, batchSize: 3 }, same);
    expect(batches.batch(0, 0)).toHaveLength(1);
  });

  test('refuse lists of no source, unknown ones, sources without lists, and too few rows', () => {
    const bare = both.map(({ query_id, query, documents }) => ({ query_id, query, documents }));
    expect(() => mixed(mixOf([source('a')]))).toThrow(/'b0' has the source 'b', which the mix does not name/);
    expect(() => mixed(mixOf([source('a')]), {}, bare)).toThrow(/has no source/);
    expect(() => mixed(mixOf([source('a'), source('b'), source('c')]))).toThrow(
      /the source c of the mix has no/,
    );
    expect(() => mixed(mixOf([source('a'), source('b')]), { batchSize: 100 })).toThrow(
      /64 training rows cannot/,
    );
  });
});

describe('the choice of negatives', () => {
  const others = [0.9, 0.1, 0.5, 0.3, 0.7, 0.2].map((teacher, i) => document(`n${i}`, 0, teacher));
  const ids = (chosen: readonly ListDocument[]): string => chosen.map(({ id }) => id).join(' ');
  const random = (): RandomStream => new RandomStream(1, 'test');
  const choose = (...args: [Parameters<typeof chooseNegatives>[2], number]): string =>
    ids(chooseNegatives(others, 2, args[0], random, args[1]));

  test('easy to hard: the two easiest first, the two hardest last, in the order of the list', () => {
    // In the order of hardness: n1 n5 n3 n2 n4 n0.
    expect([0, 0.25, 0.5, 0.75, 1].map((progress) => choose('easy-to-hard', progress))).toEqual([
      'n1 n5',
      'n3 n5',
      'n2 n3',
      'n2 n4',
      'n0 n4',
    ]);
  });

  test('without scores by rank, the deepest first; without ranks by place', () => {
    const ranked = others.map(({ id }, i): ListDocument => ({ id, text: id, source: 'x', rank: 10 + i }));
    const bare = others.map(({ id }): ListDocument => ({ id, text: id, source: 'x' }));
    for (const list of [ranked, bare]) {
      expect(ids(chooseNegatives(list, 2, 'easy-to-hard', random, 0))).toBe('n4 n5');
      expect(ids(chooseNegatives(list, 2, 'easy-to-hard', random, 1))).toBe('n0 n1');
    }
  });

  test('stratified: one of each part of the range of scores, where chance would take many of the crowd', () => {
    // 90 easy ones about 0, and ten spread to 1: of five, chance takes 4.5 easy ones.
    const crowd = Array.from({ length: 100 }, (_, i) =>
      document(`c${i}`, 0, i < 90 ? i / 10_000 : (i - 89) / 10),
    );
    for (let draw = 0; draw < 20; draw++) {
      const chosen = chooseNegatives(crowd, 5, 'stratified', () => new RandomStream(draw, 'test'), 0);
      const parts = chosen.map(({ teacher = 0 }) => Math.min(4, Math.floor(teacher * 5)));
      expect(new Set(chosen).size).toBe(5);
      expect(new Set(parts).size).toBeGreaterThanOrEqual(3);
      expect(chosen.filter(({ teacher = 0 }) => teacher < 0.05).length).toBeLessThanOrEqual(1);
    }
    const twice = [1, 1].map(() => ids(chooseNegatives(crowd, 5, 'stratified', random, 0)));
    expect(twice[0]).toBe(twice[1]);
  });

  test('top and small lists are as they are', () => {
    expect(choose('top', 0)).toBe('n0 n1');
    expect(chooseNegatives(others, 6, 'stratified', random, 0)).toBe(others);
  });
});

describe('the loss of a source', () => {
  test('has its temperature and margin in place of those of the terms that have them', () => {
    const spec = parseLossSpec('kl(temperature=0.1) + 0.5*infonce + triplet + margin-mse');
    const terms = [...lossOfSource(spec, source('a', { temperature: 0.3, margin: 0.4 })).values()];
    expect(terms.map((settings) => settings.temperature)).toEqual([0.3, 0.3, undefined, undefined]);
    expect(terms.map((settings) => settings.margin)).toEqual([undefined, 0.4, 0.4, undefined]);
    const plain = lossOfSource(spec, source('a'));
    for (const term of spec.terms) expect(plain.get(term)).toBe(term.settings);
  });

  test('refuses what no loss has, what is out of range, and losses of whole batches', () => {
    expect(() => lossOfSource(parseLossSpec('margin-mse'), source('a', { temperature: 1 }))).toThrow(
      /the source a sets a temperature, but no loss of the training has one/,
    );
    expect(() => lossOfSource(parseLossSpec('infonce'), source('a', { temperature: 0 }))).toThrow(/above 0/);
    expect(() => lossOfSource(parseLossSpec('ws2'), source('a', { temperature: 1 }))).toThrow(
      /ws2 is computed over the whole batch and cannot have a separate temperature for a\./,
    );
  });
});
