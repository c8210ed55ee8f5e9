import { describe, expect, test } from 'vitest';
import type { ListDocument, ListRecord } from '../../src/corpus/types.ts';
import { InputError } from '../../src/core/errors.ts';
import { DocumentNumbers, layOutBatch } from '../../src/training/batch-layout.ts';
import { Batches, type BatchOptions } from '../../src/training/batches.ts';

const options: BatchOptions = {
  seed: 5,
  batchSize: 4,
  incomplete: 'drop',
  distinctPassages: false,
  negatives: 'all',
  choice: 'top',
  rowPer: 'list',
  otherPositives: false,
};

function document(id: string, label: number, rest: Partial<ListDocument> = {}): ListDocument {
  return { id, text: `text of ${id}`, label, source: label > 0 ? 'gold' : 'bm25', ...rest };
}

/** Lists of one positive and so many negatives; passages of list i have ids pi, ni-0, ni-1, … */
function plainLists(count: number, negatives = 3): ListRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    query_id: `q${i}`,
    query: `query ${i}`,
    documents: [
      ...Array.from({ length: negatives }, (_, n) => document(`n${i}-${n}`, 0)),
      document(`p${i}`, 1),
    ],
  }));
}

const batchesOf = (lists: readonly ListRecord[], changes: Partial<BatchOptions> = {}) =>
  new Batches(lists, new DocumentNumbers(), { ...options, ...changes });

const queriesOf = (batches: Batches, epoch: number): string[][] =>
  Array.from({ length: batches.stepsInEpoch(epoch) }, (_, step) =>
    batches.batch(epoch, step).map(({ record }) => record.query_id),
  );

describe('epochs', () => {
  test('each goes through all lists in another order', () => {
    const lists = plainLists(12);
    const batches = batchesOf(lists);
    const [first, second] = [queriesOf(batches, 0), queriesOf(batches, 1)];
    for (const epoch of [first, second]) {
      expect(epoch.map((batch) => batch.length)).toEqual([4, 4, 4]);
      expect(epoch.flat().sort()).toEqual(lists.map((list) => list.query_id).sort());
    }
    expect(first).not.toEqual(second);
    expect(first.flat()).not.toEqual(lists.map((list) => list.query_id));
  });

  test('a batch depends on seed, epoch and step alone', () => {
    const lists = plainLists(30);
    const choose = { negatives: 2, choice: 'random' } as const;
    const forward = batchesOf(lists, choose);
    const inOrder = [0, 1, 2].flatMap((epoch) => [0, 1, 2].map((step) => forward.batch(epoch, step)));
    const resumed = batchesOf(lists, choose);
    expect(resumed.batch(2, 2)).toEqual(inOrder[8]);
    expect(resumed.batch(0, 1)).toEqual(inOrder[1]);
    expect(batchesOf(lists, { ...choose, seed: 6 }).batch(2, 2)).not.toEqual(inOrder[8]);
  });

  test('an incomplete batch is dropped or kept', () => {
    expect(queriesOf(batchesOf(plainLists(10)), 0).map((batch) => batch.length)).toEqual([4, 4]);
    const kept = batchesOf(plainLists(10), { incomplete: 'keep' });
    expect(queriesOf(kept, 0).map((batch) => batch.length)).toEqual([4, 4, 2]);
    expect(kept.stepsInEpochs(3)).toBe(9);
  });

  test('global steps lead to their epochs', () => {
    const batches = batchesOf(plainLists(12));
    expect([0, 2, 3, 7].map((step) => batches.locate(step))).toEqual([
      { epoch: 0, step: 0 },
      { epoch: 0, step: 2 },
      { epoch: 1, step: 0 },
      { epoch: 2, step: 1 },
    ]);
    expect(() => batches.batch(0, 3)).toThrow('epoch 0 has no step 3');
  });
});

describe('distinct passages', () => {
  /** Every third list shares a negative, by id or by text. */
  const lists = plainLists(24).map((list, i) =>
    i % 3 === 0
      ? {
          ...list,
          documents: [
            ...list.documents,
            document(i % 2 === 0 ? 'shared' : `copy ${i}`, 0, { text: 'The  Same text' }),
          ],
        }
      : list,
  );

  test('an epoch that fills no batch is passed over', () => {
    // The first two and the third fill a batch; the fourth, dealt before them, shuts both out of its own.
    const shared = [['x'], ['y'], [], ['x', 'y']];
    const few = plainLists(4).map((list, i) => ({
      ...list,
      documents: [...list.documents, ...shared[i]!.map((id) => document(id, 0))],
    }));
    const batches = batchesOf(few, { distinctPassages: true, batchSize: 3, seed: 1 });
    const sizes = Array.from({ length: 40 }, (_, epoch) => batches.stepsInEpoch(epoch));
    expect(sizes).toContain(0);
    const located = Array.from({ length: batches.stepsInEpochs(40) }, (_, step) => batches.locate(step));
    expect(located).toEqual(
      sizes.flatMap((steps, epoch) => Array.from({ length: steps }, (_, step) => ({ epoch, step }))),
    );
  });

  test('no batch holds a passage twice, and every list comes once', () => {
    const batches = batchesOf(lists, { distinctPassages: true, incomplete: 'keep' });
    for (let epoch = 0; epoch < 3; epoch++) {
      const numbers = new DocumentNumbers();
      for (let step = 0; step < batches.stepsInEpoch(epoch); step++) {
        const passages = batches
          .batch(epoch, step)
          .flatMap((list) => list.documents.map((one) => numbers.numberOf(one)));
        expect(new Set(passages).size).toBe(passages.length);
      }
      expect(queriesOf(batches, epoch).flat().sort()).toEqual(lists.map((list) => list.query_id).sort());
    }
    // Eight lists exclude each other, so eight batches are needed where six would hold them all.
    expect(batches.stepsInEpoch(0)).toBe(8);
  });

  test('without the rule the same lists do meet', () => {
    const numbers = new DocumentNumbers();
    const batches = batchesOf(lists);
    const doubled = [0, 1, 2, 3, 4, 5].filter((step) => {
      const passages = batches
        .batch(0, step)
        .flatMap((list) => list.documents.map((one) => numbers.numberOf(one)));
      return new Set(passages).size < passages.length;
    });
    expect(doubled.length).toBeGreaterThan(0);
  });

  test('it is the order of the epoch otherwise', () => {
    const distinct = batchesOf(plainLists(20), { distinctPassages: true });
    expect(queriesOf(distinct, 1)).toEqual(queriesOf(batchesOf(plainLists(20)), 1));
  });
});

describe('passages of a list', () => {
  const list = plainLists(1, 10);
  const idsOf = (batches: Batches, epoch: number) =>
    batches.batch(epoch, 0)[0]!.documents.map(({ id }) => id);

  test('the positive comes first, then the top of the list', () => {
    expect(idsOf(batchesOf(list, { batchSize: 1, negatives: 3 }), 0)).toEqual(['p0', 'n0-0', 'n0-1', 'n0-2']);
    expect(idsOf(batchesOf(list, { batchSize: 1, negatives: 'all' }), 0)).toHaveLength(11);
    expect(idsOf(batchesOf(list, { batchSize: 1, negatives: 99 }), 0)).toHaveLength(11);
    expect(idsOf(batchesOf(list, { batchSize: 1, negatives: 0 }), 0)).toEqual(['p0']);
  });

  test('random negatives change with the epoch, fixed ones do not', () => {
    const random = batchesOf(list, { batchSize: 1, negatives: 3, choice: 'random' });
    const fixed = batchesOf(list, { batchSize: 1, negatives: 3, choice: 'fixed' });
    const epochs = Array.from({ length: 30 }, (_, epoch) => epoch);
    expect(new Set(epochs.map((epoch) => idsOf(random, epoch).join())).size).toBeGreaterThan(10);
    expect(new Set(epochs.map((epoch) => idsOf(fixed, epoch).join())).size).toBe(1);
    // Every negative gets its turn, and none comes twice in a row of the data.
    expect(new Set(epochs.flatMap((epoch) => idsOf(random, epoch))).size).toBe(11);
    for (const epoch of epochs) expect(new Set(idsOf(random, epoch)).size).toBe(4);
  });

  test('other positives stay only where they are wanted, and may have rows of their own', () => {
    const graded: ListRecord[] = [
      {
        query_id: 'q',
        query: 'x',
        documents: [document('a', 0), document('b', 3), document('c', 1), document('d', 0)],
      },
    ];
    const idsFor = (changes: Partial<BatchOptions>) => {
      const batches = batchesOf(graded, { batchSize: 1, ...changes });
      return Array.from({ length: batches.rows }, (_, step) =>
        batches.batch(0, step)[0]!.documents.map(({ id }) => id),
      ).sort();
    };
    expect(idsFor({})).toEqual([['b', 'a', 'd']]);
    expect(idsFor({ otherPositives: true })).toEqual([['b', 'a', 'c', 'd']]);
    expect(idsFor({ rowPer: 'positive' })).toEqual([['b', 'a', 'd'], ['c', 'a', 'd']]); // prettier-ignore
    expect(idsFor({ level: 2 })).toEqual([['b', 'a', 'c', 'd']]);
  });

  test('a list without labels starts with its first passage', () => {
    const bare: ListRecord[] = [
      {
        query_id: 'q',
        query: 'x',
        documents: ['a', 'b'].map((id) => ({ id, text: id, source: 'teacher', teacher: 1 })),
      },
    ];
    expect(idsOf(batchesOf(bare, { batchSize: 1 }), 0)).toEqual(['a', 'b']);
  });
});

test.each([
  [plainLists(3), {}, '3 training rows cannot fill a batch of 4'],
  [plainLists(3), { batchSize: 0 }, 'The batch size is 0'],
  [plainLists(9), { negatives: -1 }, 'The number of negatives is -1'],
  [[], {}, 'there are no training lists'],
])('%# is refused', (lists, changes, problem) => {
  expect(() => batchesOf(lists, changes)).toThrow(InputError);
  expect(() => batchesOf(lists, changes)).toThrow(problem);
});

describe('layOutBatch', () => {
  test('puts the lists one after the other, and knows the same document by id or text', () => {
    const lists: ListRecord[] = [
      {
        query_id: 'q0',
        query: 'x',
        documents: [document('a', 2, { teacher: 0.9 }), document('b', 0), document('z', 1)],
      },
      {
        query_id: 'q1',
        query: 'y',
        documents: [document('c', 1), document('a', 0), document('e', 0, { text: 'TEXT of  b ' })],
      },
    ];
    const batches = batchesOf(lists, { batchSize: 2 });
    const sampled = [...batches.batch(0, 0)].sort((left, right) =>
      left.record.query_id < right.record.query_id ? -1 : 1,
    );
    const layout = layOutBatch(sampled, new DocumentNumbers());
    expect([...layout.offsets]).toEqual([0, 2, 5]);
    expect([...layout.positive]).toEqual([0, 2]);
    const [a, b, c, secondA, e] = layout.documents;
    expect(secondA).toBe(a);
    expect(e).toBe(b);
    expect(new Set([a, b, c]).size).toBe(3);
    // z was not sampled, but is known as a positive of the first query.
    expect(layout.positiveDocuments.map((documents) => documents.length)).toEqual([2, 1]);
    expect(layout.positiveDocuments[0]![0]).toBe(a);
    expect([...layout.labels]).toEqual([2, 0, 1, 0, 0]);
    expect([...layout.teacher]).toEqual([0.9, NaN, NaN, NaN, NaN]);
    expect(layout.sources).toEqual(['gold', 'bm25', 'gold', 'bm25', 'bm25']);
  });

  test('refuses a positive that is not there', () => {
    const record = plainLists(1)[0]!;
    expect(() =>
      layOutBatch([{ record, documents: record.documents, positive: 9 }], new DocumentNumbers()),
    ).toThrow('list q0: no passage 9');
  });
});

describe('even rows', () => {
  /** Lists with one to five positives. */
  const crowded = Array.from({ length: 20 }, (_, i) => ({
    query_id: `q${i}`,
    query: `query ${i}`,
    documents: Array.from({ length: 1 + (i % 5) }, (_, p) => document(`p${i}-${p}`, 1)),
  }));
  const rows = (seed: number, epoch = 0, evenRows = true): string[] => {
    const batches = batchesOf(crowded, { rowPer: 'positive', batchSize: 1, evenRows, seed });
    return Array.from({ length: batches.stepsInEpoch(epoch) }, (_, step) => {
      const [row] = batches.batch(epoch, step);
      return `${row?.record.query_id} ${row?.documents[0]?.id}`;
    });
  };
  const counts = (taken: readonly string[]): Map<string, number> => {
    const each = new Map<string, number>();
    for (const row of taken) {
      const [query = ''] = row.split(' ');
      each.set(query, (each.get(query) ?? 0) + 1);
    }
    return each;
  };

  test('take as many of each list, wherever a training ends, as far as a list has them', () => {
    for (const end of [7, 20, 30, 36, 45]) {
      const taken = counts(rows(3).slice(0, end));
      const most = Math.max(...taken.values());
      for (const [i, { query_id, documents }] of crowded.entries()) {
        const count = taken.get(query_id) ?? 0;
        expect(count, `list ${i} of ${documents.length} rows after ${end}`).toBeGreaterThanOrEqual(
          Math.min(documents.length, most - 1),
        );
      }
    }
    // At random, lists of many rows are ahead.
    const random = counts(rows(3, 0, false).slice(0, 20));
    expect(Math.max(...random.values())).toBeGreaterThan(1);
  });

  test('are all rows of an epoch, in an order of the seed and the epoch', () => {
    expect([...rows(3)].sort()).toEqual([...rows(3, 0, false)].sort());
    expect(rows(3)).toEqual(rows(3));
    expect(rows(3)).not.toEqual(rows(4));
    expect(rows(3)).not.toEqual(rows(3, 1));
    // Which of its relevant passages a query begins with is drawn too.
    const first = rows(3)
      .slice(0, 20)
      .filter((row) => !row.endsWith('-0'));
    expect(first.length).toBeGreaterThan(3);
  });
});
