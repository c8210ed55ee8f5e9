import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ListDocument, ListRecord } from '../../../src/corpus/types.ts';
import { RandomStream } from '../../../src/core/random.ts';
import { parseLossSpec } from '../../../src/losses/loss-spec.ts';
import { isAccidentallyRelevant } from '../../../src/lists/diagnostics/accidental-relevance.ts';
import { areaUnderCurve } from '../../../src/lists/diagnostics/area-under-curve.ts';
import { scoreRows } from '../../../src/lists/diagnostics/diagnosis-table.ts';
import { diagnoseSources } from '../../../src/lists/diagnostics/diagnose.ts';
import { distinctN } from '../../../src/lists/diagnostics/distinct-n.ts';
import { gradientShares } from '../../../src/lists/diagnostics/gradient-share.ts';
import { chanceOf, fitLogistic } from '../../../src/lists/diagnostics/logistic-regression.ts';
import { rougeL } from '../../../src/lists/diagnostics/rouge-l.ts';
import { histogram } from '../../../src/lists/diagnostics/score-histogram.ts';
import { probeSource } from '../../../src/lists/diagnostics/source-probe.ts';

const words = (text: string): string[] => text.split(' ');

describe('ROUGE-L', () => {
  it('by hand', () => {
    // "police the gunman" of 4 and 4 words: P = R = 3/4; "the gunman": 2/4.
    expect(rougeL(words('police killed the gunman'), words('police kill the gunman'))).toBe(0.75);
    expect(rougeL(words('police killed the gunman'), words('the gunman kill police'))).toBe(0.5);
    // "a c": P = 2/2, R = 2/5, F1 = 4/7.
    expect(rougeL(words('a c'), words('a b c d e'))).toBeCloseTo(4 / 7, 14);
    expect(rougeL([], words('a'))).toBe(0);
  });

  it('is symmetric, and 1 for equal texts alone', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(rougeL(left, right)).toBe(rougeL(right, left));
        expect(rougeL(left, right) === 1).toBe(left.join() === right.join());
      }),
    );
  });
});

it('distinct-n, by hand', () => {
  const texts = [words('a b a'), words('a b')];
  // a b a a b: 2 of 5; "a b", "b a", "a b": 2 of 3.
  expect(distinctN(texts, 1)).toBe(2 / 5);
  expect(distinctN(texts, 2)).toBe(2 / 3);
  expect(distinctN(texts, 4)).toBeNaN();
});

it('a histogram has the ends of its range in it', () => {
  expect(histogram([0, 0.1, 0.25, 0.99, 1, 2, -1], { low: 0, high: 1 }, 4).counts).toEqual([3, 1, 0, 3]);
  expect(histogram([3, 3], { low: 3, high: 3 }, 2).counts).toEqual([2, 0]);
});

describe('accidental relevance', () => {
  const document = (rest: Partial<ListDocument>): ListDocument => ({
    id: 'd',
    text: 'd',
    source: 'x',
    ...rest,
  });
  const list: ListRecord = {
    query_id: 'q',
    query: 'q',
    documents: [document({ label: 1, teacher: 0.5 }), document({ label: 2, teacher: 0.7 })],
  };
  it.each([
    [
      { hand_label: 0, model_label: 3, teacher: 1 },
      { relevant: false, by: 'hand_label' },
    ],
    [
      { model_label: 2, teacher: 0 },
      { relevant: true, by: 'model_label' },
    ],
    [
      { model_label: 1, teacher: 1 },
      { relevant: false, by: 'model_label' },
    ],
    [{ teacher: 0.71 }, { relevant: true, by: 'teacher' }],
    [{ teacher: 0.7 }, { relevant: false, by: 'teacher' }],
    [{}, undefined],
  ])('%j', (rest, expected) => {
    expect(isAccidentallyRelevant(document({ label: 0, ...rest }), list)).toEqual(expected);
  });
});

describe('the area under the curve', () => {
  it('by hand, ties counting half', () => {
    // Members 0.8, 0.4; others 0.6, 0.4, 0.1. Pairs won: 3 of 3, and 1 + ½ of 3: 4.5 of 6.
    expect(areaUnderCurve([0.8, 0.4, 0.6, 0.4, 0.1], [1, 1, 0, 0, 0])).toBe(0.75);
    expect(areaUnderCurve([1, 2, 3], [0, 0, 1])).toBe(1);
    expect(areaUnderCurve([5, 5, 5], [0, 1, 0])).toBe(0.5);
    expect(areaUnderCurve([1, 2], [1, 1])).toBeNaN();
  });

  it('is the share of pairs that are in order', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0, 1)), { minLength: 2 });
    fc.assert(
      fc.property(rows, (given) => {
        const pairs = given
          .filter(([, member]) => member === 1)
          .flatMap(([own]) =>
            given
              .filter(([, member]) => member === 0)
              .map(([other]) => (own > other ? 1 : own === other ? 0.5 : 0)),
          );
        fc.pre(pairs.length > 0);
        const mean = pairs.reduce<number>((sum, won) => sum + won, 0) / pairs.length;
        const area = areaUnderCurve(
          given.map(([score]) => score),
          given.map(([, member]) => member),
        );
        expect(area).toBeCloseTo(mean, 12);
      }),
    );
  });
});

it('logistic regression comes to where the gradient of its loss is zero', () => {
  const random = new RandomStream(4, 'logistic');
  const [rows, width, penalty] = [60, 3, 0.7];
  const features = Float64Array.from({ length: rows * width }, () => random.normal());
  const isMember = Uint8Array.from({ length: rows }, (_, row) =>
    Number(features[row * width]! + random.normal() > 0.3),
  );
  const model = fitLogistic(features, width, isMember, penalty);
  const errors = Array.from(
    { length: rows },
    (_, row) => chanceOf(model, features.subarray(row * width, (row + 1) * width)) - isMember[row]!,
  );
  for (let j = 0; j <= width; j++) {
    const slope = errors.reduce(
      (sum, error, row) => sum + error * (j < width ? features[row * width + j]! : 1),
      0,
    );
    expect(slope + (j < width ? penalty * model[j]! : 0)).toBeCloseTo(0, 8);
  }
  expect(model[0]).toBeGreaterThan(0.5);
});

describe('the source probe', () => {
  const sample = (shift: number) => {
    const random = new RandomStream(2, 'probe');
    const isMember = Uint8Array.from({ length: 400 }, (_, row) => row % 2);
    return {
      features: Float64Array.from({ length: 400 * 4 }, (_, at) =>
        at % 4 === 3 ? 7 : random.normal() + (at % 4 === 0 ? shift * isMember[Math.floor(at / 4)]! : 0),
      ),
      width: 4,
      isMember,
      groups: Array.from(isMember, (_, row) => `q${row >> 2}`),
    };
  };

  it('finds what there is: Φ(d/√2) for two normal sources d apart, and a half for none', () => {
    const apart = probeSource(sample(2));
    expect(apart.auc).toBeCloseTo(0.9214, 1);
    expect(Math.abs(apart.shuffled - 0.5)).toBeLessThan(0.1);
    expect(apart).toMatchObject({ rows: 400, members: 200 });
    expect(Math.abs(probeSource(sample(0)).auc - 0.5)).toBeLessThan(0.1);
    expect(probeSource(sample(2))).toEqual(apart);
  });

  it("is not fooled by what only a query's passages have in common", () => {
    // Each group has one source alone and a feature of its own: within a group it tells all, across groups nothing.
    const groups = 20;
    const isMember = Uint8Array.from({ length: groups * 4 }, (_, row) => (row >> 2) % 2);
    const features = Float64Array.from({ length: groups * 4 * groups }, (_, at) =>
      Number(at % groups === Math.floor(at / groups) >> 2),
    );
    const names = Array.from(isMember, (_, row) => `q${row >> 2}`);
    const { auc } = probeSource({ features, width: groups, isMember, groups: names });
    expect(auc).toBeLessThan(0.75);
  });
});

const vectors: Record<string, readonly number[]> = {
  query: [1, 0],
  positive: [0.8, 0.6],
  near: [0.6, 0.8],
  far: [0, 1],
};
const embed = (texts: readonly string[]) =>
  Promise.resolve(Float32Array.from(texts.flatMap((text) => vectors[text.split(' ')[0]!] ?? [0, 0])));
const list: ListRecord = {
  query_id: 'q',
  query: 'query of wings',
  documents: [
    { id: 'p', text: 'positive of wings', label: 1, source: 'gold', teacher: 0.9 },
    { id: 'n', text: 'near the wings of', label: 0, source: 'mined', teacher: 1 },
    { id: 'f', text: 'far', label: 0, source: 'written', teacher: 0 },
  ],
};

it('a source near the query has the larger share of the gradient', async () => {
  const shares = await gradientShares([list], embed, parseLossSpec('infonce(temperature=1, scope=own)'));
  // Of cosines 0.8, 0.6, 0: weights e^s / Σ, and the gradient of a cosine is as long as the sine of the angle.
  const all = Math.exp(0.8) + Math.exp(0.6) + 1;
  const [near, far] = [(Math.exp(0.6) / all) * 0.8, 1 / all];
  expect(shares.get('mined')?.perPassage).toBeCloseTo(near, 6);
  expect(shares.get('written')?.share).toBeCloseTo(far / (near + far), 6);
  expect(shares.has('gold')).toBe(false);
});

describe('the diagnosis of sources', () => {
  it('by hand', async () => {
    const bare: ListRecord = { ...list, query_id: 'r', documents: list.documents.slice(1) };
    const sources = await diagnoseSources([list, bare], { embed, loss: parseLossSpec('infonce') });
    const [mined, written] = sources;
    expect(sources.map(({ source, passages }) => [source, passages])).toEqual([
      ['mined', 1],
      ['written', 1],
    ]);
    expect(mined).toMatchObject({
      // {near the wings of} and {query of wings}: 2 of 5; "of" or "wings": 2 · 1 / 7.
      jaccardQuery: 2 / 5,
      jaccardPositive: 2 / 5,
      rougeQuery: 2 / 7,
      lengthRatio: 4 / 3,
      distinct1: 1,
      accidentalRelevance: { judged: 1, relevant: 1, rate: 1 },
    });
    expect(mined?.cosineQuery).toBeCloseTo(0.6, 6);
    expect(mined?.cosinePositive).toBeCloseTo(0.96, 6);
    expect(mined?.bm25Query).toBeGreaterThan(0);
    expect(written).toMatchObject({
      jaccardQuery: 0,
      bm25Query: 0,
      bm25Positive: 0,
      accidentalRelevance: { rate: 0 },
    });
    // Scores of 0, 0.9 and 1, in tenths of their range; both lists hold the positive's.
    const one = (tenth: number) => ({
      low: 0,
      high: 1,
      counts: Array.from({ length: 10 }, (_, i) => Number(i === tenth)),
    });
    expect([mined?.teacher, mined?.positives]).toEqual([one(9), one(9)]);
    expect([written?.teacher, written?.positives]).toEqual([one(0), one(9)]);
    expect(scoreRows(sources)).toEqual([
      [
        'source',
        'passages',
        ...Array.from({ length: 10 }, (_, i) => `${(i / 10).toFixed(2)} to ${((i + 1) / 10).toFixed(2)}`),
      ],
      ['mined', 'negatives', ...Array<string>(9).fill('0 %'), '100 %'],
      ['mined', 'positives', ...Array<string>(9).fill('0 %'), '100 %'],
      ['written', 'negatives', '100 %', ...Array<string>(9).fill('0 %')],
      ['written', 'positives', ...Array<string>(9).fill('0 %'), '100 %'],
    ]);
    expect(scoreRows([])).toBeUndefined();
    expect((mined?.gradient?.share ?? 0) + (written?.gradient?.share ?? 0)).toBeCloseTo(1, 12);
  });

  it('without an encoder leaves out what needs one', async () => {
    const [mined] = await diagnoseSources([list], { loss: parseLossSpec('infonce') });
    expect(mined).toMatchObject({ cosineQuery: null, gradient: null, probe: null, jaccardQuery: 2 / 5 });
  });
});
