import { describe, expect, test } from 'vitest';
import { ResourceError } from '../../src/core/errors.ts';
import {
  isContrastive,
  parseLossSpec,
  readsTeacherVectors,
  type LossTerm,
} from '../../src/losses/loss-spec.ts';
import type { BatchLayout } from '../../src/training/batch-layout.ts';
import { plainProduct, type MatrixProduct } from '../../src/training/matrix-product.ts';
import { batchLoss, exactBatchLoss, type BatchEmbeddings } from '../../src/training/similarity.ts';
import golden from '../golden/losses.json' with { type: 'json' };
import { relativeDistance } from '../losses/blocks.ts';
import { randomBatch } from './batches-of-embeddings.ts';

const SPECS = [
  'infonce(temperature=0.5)',
  'infonce(scope=own, temperature=0.5)',
  'infonce(scope=in-batch, temperature=0.5)',
  'infonce(scope=batch, temperature=0.5, mask=0.6)',
  'triplet(scope=batch, margin=0.4)',
  'kl(temperature=0.5)',
  'kl(scope=batch, temperature=0.5)',
  'kl(scope=batch, teacherTemperature=0.1, squareScale=1) + 0.1*infonce(temperature=0.3, mask=0.6) + 0.2*kl',
  'margin-mse + 0.3*kl(squareScale=1)',
  'listnet(scope=in-batch, temperature=0.5)',
  'ws2',
  'ws2(scope=own) + infonce(scope=own)',
  'kl(temperature=0.4) + 0.1*infonce(temperature=0.3, scope=batch, mask=0.6) + 0.2*listnet(scope=batch, temperature=1)',
  '0.5*infonce(scope=in-batch, maskMargin=0.05) + 2*infonce(scope=batch) + ws2(temperature=0.3)',
];
const SIMILARITIES = ['dot', 'cosine'] as const;

/** The passages of a row and which of them count, straight from the rules. */
function candidatesOf(
  term: LossTerm,
  layout: BatchLayout,
  list: number,
): { passage: number; counts: boolean }[] {
  const [from, to] = [layout.offsets[list]!, layout.offsets[list + 1]!];
  const positive = layout.positive[list]!;
  const isOwn = (passage: number) => passage >= from && passage < to;
  const contrastive = isContrastive(term.definition);
  const bars = [
    (term.mask.share ?? Infinity) * layout.teacher[positive]!,
    layout.teacher[positive]! - (term.mask.margin ?? -Infinity),
  ];
  const likely = [...layout.documents.keys()].filter(
    (passage) => isOwn(passage) && bars.some((bar) => layout.teacher[passage]! > bar),
  );
  if (readsTeacherVectors(term)) {
    // Each document once: the positive, else the list's own copy, else the first one.
    const copies = new Map<number, number>();
    for (const passage of [...layout.documents.keys()].reverse()) {
      if (!isOwn(passage)) copies.set(layout.documents[passage]!, passage);
    }
    for (const passage of layout.documents.keys()) {
      if (isOwn(passage)) copies.set(layout.documents[passage]!, passage);
    }
    copies.set(layout.documents[positive]!, positive);
    return [...copies.values()].map((passage) => ({ passage, counts: true }));
  }
  const positives = new Set([...layout.positiveDocuments[list]!]);
  const removed = new Set([...positives, ...likely.map((passage) => layout.documents[passage]!)]);
  return [...layout.documents.keys()]
    .filter(
      (passage) =>
        term.scope === 'batch' ||
        isOwn(passage) ||
        (term.scope === 'in-batch' && layout.positive.includes(passage)),
    )
    .map((passage) => ({
      passage,
      counts:
        passage === positive ||
        (contrastive
          ? !removed.has(layout.documents[passage]!)
          : isOwn(passage) || !positives.has(layout.documents[passage]!)),
    }));
}

function unit(
  embeddings: Float64Array,
  row: number,
  dimension: number,
  similarity: 'dot' | 'cosine',
): Float64Array {
  const vector = embeddings.slice(row * dimension, (row + 1) * dimension);
  const length = similarity === 'cosine' ? Math.hypot(...vector) : 1;
  return vector.map((entry) => entry / length);
}

/** The value by plain definitions, all rows at once, without any block, gather or shared score. */
function naiveValue(
  spec: string,
  { queries, passages, dimension }: BatchEmbeddings & { queries: Float64Array; passages: Float64Array },
  layout: BatchLayout,
  similarity: 'dot' | 'cosine',
): number {
  const lists = layout.positive.length;
  let value = 0;
  for (const term of parseLossSpec(spec).terms) {
    const rows = Array.from({ length: lists }, (_, list) => candidatesOf(term, layout, list));
    const columns = Math.max(...rows.map((row) => row.length));
    const block = {
      rows: lists,
      columns,
      scores: new Float64Array(lists * columns),
      mask: new Uint8Array(lists * columns),
      positive: new Int32Array(lists),
      labels: new Float64Array(lists * columns).fill(NaN),
      teacher: new Float64Array(lists * columns).fill(NaN),
    };
    rows.forEach((row, list) => {
      const query = unit(queries, list, dimension, similarity);
      row.forEach(({ passage, counts }, column) => {
        const at = list * columns + column;
        const vector = unit(passages, passage, dimension, similarity);
        block.scores[at] = query.reduce((sum, entry, x) => sum + entry * vector[x]!, 0);
        block.mask[at] = counts ? 1 : 0;
        if (passage === layout.positive[list]) block.positive[list] = column;
        if (readsTeacherVectors(term)) {
          const { queries: asked, passages: answers, dimension: width } = layout.teacherVectors!;
          block.teacher[at] = Array.from({ length: width }).reduce<number>(
            (sum, _, x) => sum + asked[list * width + x]! * answers[passage * width + x]!,
            0,
          );
          return;
        }
        if (passage < layout.offsets[list]! || passage >= layout.offsets[list + 1]!) return;
        block.labels[at] = layout.labels[passage]!;
        block.teacher[at] = layout.teacher[passage]!;
      });
    });
    value += (term.weight * term.definition.compute(block, term.settings).value) / lists;
  }
  return value;
}

describe.each(SIMILARITIES)('%s', (similarity) => {
  test.each(SPECS)('%s equals the naive value and its finite differences', async (spec) => {
    for (let seed = 0; seed < 3; seed++) {
      const { embeddings, layout } = randomBatch(seed, 2 + 2 * seed, 4, 4);
      const result = await exactBatchLoss(parseLossSpec(spec), embeddings, layout, { similarity });
      expect(result.value).toBeCloseTo(naiveValue(spec, embeddings, layout, similarity), 12);
      for (const [side, gradient] of [
        ['queries', result.queryGradient],
        ['passages', result.passageGradient],
      ] as const) {
        const numerical = embeddings[side].map((entry, at) => {
          const valueAt = (moved: number) =>
            naiveValue(spec, { ...embeddings, [side]: embeddings[side].with(at, moved) }, layout, similarity);
          return (valueAt(entry + 1e-6) - valueAt(entry - 1e-6)) / 2e-6;
        });
        expect(relativeDistance(gradient, numerical, 1e-2), `${side} of batch ${seed}`).toBeLessThan(1e-6);
      }
    }
  });

  test.each(SPECS)('%s is the same in blocks of any size', async (spec) => {
    const { embeddings, layout } = randomBatch(9, 11);
    const whole = await exactBatchLoss(parseLossSpec(spec), embeddings, layout, { similarity });
    for (const blockBytes of [1, 3000, 8000, 20000]) {
      const parts = await exactBatchLoss(parseLossSpec(spec), embeddings, layout, { similarity, blockBytes });
      expect(Math.abs(parts.value / whole.value - 1)).toBeLessThan(1e-12);
      expect(relativeDistance(parts.queryGradient, whole.queryGradient)).toBeLessThan(1e-12);
      expect(relativeDistance(parts.passageGradient, whole.passageGradient)).toBeLessThan(1e-12);
      expect(parts.terms.map(({ maskedShare }) => maskedShare)).toEqual(
        whole.terms.map(({ maskedShare }) => maskedShare),
      );
    }
  });
});

test.each(golden.batch.cases.map((one) => [one.spec, one] as const))(
  "%s has PyTorch's gradients",
  async (spec, one) => {
    const { batch } = golden;
    const layout: BatchLayout = {
      offsets: Int32Array.from(batch.offsets),
      positive: Int32Array.from(batch.positive),
      documents: Int32Array.from(batch.documents),
      positiveDocuments: batch.positiveDocuments.map((documents) => Int32Array.from(documents)),
      labels: Float64Array.from(batch.labels),
      teacher: Float64Array.from(batch.teacher),
      sources: batch.documents.map(() => 'any'),
      teacherVectors: {
        queries: Float32Array.from(batch.teacherQueries),
        passages: Float32Array.from(batch.teacherPassages),
        dimension: batch.teacherQueries.length / batch.positive.length,
      },
    };
    const embeddings = {
      queries: Float64Array.from(batch.queries),
      passages: Float64Array.from(batch.passages),
      dimension: batch.dimension,
    };
    const similarity = one.similarity as 'dot' | 'cosine';
    const result = await exactBatchLoss(parseLossSpec(spec), embeddings, layout, { similarity });
    expect(Math.abs(result.value / one.value - 1)).toBeLessThan(1e-8);
    expect(relativeDistance(result.queryGradient, one.queryGradient)).toBeLessThan(1e-7);
    expect(relativeDistance(result.passageGradient, one.passageGradient)).toBeLessThan(1e-7);
  },
);

describe('batchLoss', () => {
  const spec = parseLossSpec('kl + 0.1*infonce(temperature=0.01, mask=0.6)');
  const { embeddings, layout } = randomBatch(1, 6);
  const single = {
    queries: new Float32Array(embeddings.queries),
    passages: new Float32Array(embeddings.passages),
    dimension: embeddings.dimension,
  };

  test('takes and gives float32, close to float64', async () => {
    const exact = await exactBatchLoss(spec, embeddings, layout, { similarity: 'cosine' });
    const result = await batchLoss(spec, single, layout, { similarity: 'cosine' });
    expect(result.queryGradient).toBeInstanceOf(Float32Array);
    expect(relativeDistance(result.queryGradient, exact.queryGradient)).toBeLessThan(1e-5);
    expect(relativeDistance(result.passageGradient, exact.passageGradient)).toBeLessThan(1e-5);
  });

  test('reports the terms, what was masked, and which source teaches how much', async () => {
    const { value, terms, gradientNorms, passageGradient } = await exactBatchLoss(spec, embeddings, layout, {
      similarity: 'cosine',
    });
    expect(terms.map(({ name, weight }) => [name, weight])).toEqual([['kl', 1], ['infonce', 0.1]]); // prettier-ignore
    expect(terms[0]!.value + 0.1 * terms[1]!.value).toBeCloseTo(value, 14);
    expect(terms[0]!.maskedShare).toBe(0);
    const rows = Array.from(layout.positive, (_, list) => candidatesOf(spec.terms[1]!, layout, list));
    const masked = rows.flat().filter(({ counts }) => !counts).length;
    expect(masked).toBeGreaterThan(0);
    expect(terms[1]!.maskedShare).toBe(masked / (rows.flat().length - rows.length));
    expect([...gradientNorms.keys()].sort()).toEqual(['bm25', 'gold']);
    expect(Math.hypot(...gradientNorms.values())).toBeCloseTo(Math.hypot(...passageGradient), 12);
  });

  test('gives the value alone where no gradients are wanted', async () => {
    const options = { similarity: 'cosine' } as const;
    const alone = await batchLoss(spec, single, layout, { ...options, gradients: false });
    expect(alone.value).toBe((await batchLoss(spec, single, layout, options)).value);
    expect([alone.queryGradient.length, alone.passageGradient.length, alone.gradientNorms.size]).toEqual([
      0, 0, 0,
    ]);
  });

  test("uses the host's matrix product, which may be asynchronous", async () => {
    const calls: string[] = [];
    const product: MatrixProduct = {
      scores: async (...given) => {
        calls.push('scores');
        await Promise.resolve();
        return plainProduct.scores(...given);
      },
      addToQueries: (...given) => (calls.push('addToQueries'), plainProduct.addToQueries(...given)),
      addToPassages: (...given) => (calls.push('addToPassages'), plainProduct.addToPassages(...given)),
    };
    const plain = await batchLoss(spec, single, layout, { similarity: 'cosine' });
    expect(await batchLoss(spec, single, layout, { similarity: 'cosine', product })).toEqual(plain);
    expect(calls).toEqual(['scores', 'addToQueries', 'addToPassages']);
  });

  test('a vanishing embedding has a finite gradient', async () => {
    const zero = { ...embeddings, queries: embeddings.queries.slice().fill(0, 0, embeddings.dimension) };
    const { queryGradient } = await exactBatchLoss(parseLossSpec('kl'), zero, layout, {
      similarity: 'cosine',
    });
    expect([...queryGradient].every(Number.isFinite)).toBe(true);
  });

  test('a NaN embedding shows in the value', async () => {
    for (const text of SPECS) {
      const broken = { ...embeddings, queries: embeddings.queries.with(0, NaN) };
      expect(
        (await exactBatchLoss(parseLossSpec(text), broken, layout, { similarity: 'dot' })).value,
        text,
      ).toBeNaN();
    }
  });

  test('refuses embeddings that do not fit the layout', async () => {
    const short = { ...single, queries: single.queries.subarray(1) };
    await expect(batchLoss(spec, short, layout, { similarity: 'dot' })).rejects.toThrow(RangeError);
  });

  test('refuses a batch-level loss whose scores cannot be held at once', async () => {
    const lists = 20_000;
    const many: BatchLayout = {
      offsets: Int32Array.from({ length: lists + 1 }, (_, i) => i),
      positive: Int32Array.from({ length: lists }, (_, i) => i),
      documents: Int32Array.from({ length: lists }, (_, i) => i),
      positiveDocuments: Array.from({ length: lists }, (_, i) => Int32Array.of(i)),
      labels: new Float64Array(lists),
      teacher: new Float64Array(lists),
      sources: Array.from({ length: lists }, () => 'gold'),
    };
    const flat = { queries: new Float32Array(lists), passages: new Float32Array(lists), dimension: 1 };
    const loss = batchLoss(parseLossSpec('ws2'), flat, many, { similarity: 'dot' });
    await expect(loss).rejects.toThrow(ResourceError);
    await expect(loss).rejects.toThrow('20000 queries with 20000 passages each take 15.3 GiB');
  });
});

test('products of sizes that do not fill their tiles are right', () => {
  for (const [rows, columns, dimension] of [
    [1, 1, 1],
    [2, 5, 3],
    [4, 3, 8],
    [7, 8, 5],
    [3, 1, 2],
  ] as const) {
    // prettier-ignore
    const queries = Float64Array.from({ length: rows * dimension }, (_, i) => Math.sin(i + 1));
    const passages = Float64Array.from({ length: columns * dimension }, (_, i) => Math.cos(i + 2));
    const shape = { rows, columns, dimension };
    const scores = new Float64Array(rows * columns);
    void plainProduct.scores(queries, passages, shape, scores);
    const toQueries = new Float64Array(rows * dimension).fill(1);
    const toPassages = new Float64Array(columns * dimension).fill(1);
    void plainProduct.addToQueries(scores, passages, shape, toQueries);
    void plainProduct.addToPassages(scores, queries, shape, toPassages);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let x = 0; x < dimension; x++)
          sum += queries[row * dimension + x]! * passages[column * dimension + x]!;
        expect(scores[row * columns + column]).toBeCloseTo(sum, 13);
      }
      for (let x = 0; x < dimension; x++) {
        let sum = 1;
        for (let column = 0; column < columns; column++)
          sum += scores[row * columns + column]! * passages[column * dimension + x]!;
        expect(toQueries[row * dimension + x]).toBeCloseTo(sum, 12);
      }
    }
    for (let column = 0; column < columns; column++) {
      for (let x = 0; x < dimension; x++) {
        let sum = 1;
        for (let row = 0; row < rows; row++)
          sum += scores[row * columns + column]! * queries[row * dimension + x]!;
        expect(toPassages[column * dimension + x]).toBeCloseTo(sum, 12);
      }
    }
  }
});
