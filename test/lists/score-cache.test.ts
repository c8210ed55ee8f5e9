import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderStore } from '../../src/host/node/store.ts';
import { crossEncoderTeacher, type ScorePairs } from '../../src/lists/cross-encoder-teacher.ts';
import { cachedScores, ScoringStoppedError } from '../../src/lists/score-cache.ts';
import { scoreLists } from '../../src/lists/teacher.ts';
import { makeLists } from '../support/training-lists.ts';

let folder: string;
let stores = 0;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'studio-scores-'))));
afterAll(() => rm(folder, { recursive: true }));

const model = 'ab'.repeat(32);
const lists = makeLists(10);
const all = lists.flatMap(({ query, documents }) => documents.map(({ text }) => `${query}\t${text}`));

/** Scores by length; notes every pair and dies with the call after `calls`. */
function scorer(asked: string[], calls = Infinity): ScorePairs {
  let done = 0;
  return (pairs) => {
    if (done++ >= calls) return Promise.reject(new Error('killed'));
    asked.push(...pairs.map((pair) => pair.join('\t')));
    return Promise.resolve(Float32Array.from(pairs, ([query, text]) => query.length / 7 - text.length / 3));
  };
}

async function run(place: string, asked: string[], calls?: number, name = model) {
  const store = await FolderStore.open(place);
  try {
    const scores = await cachedScores(scorer(asked, calls), store, { model: name, batch: 7 });
    return await scoreLists(lists, crossEncoderTeacher(scores));
  } finally {
    await store.close();
  }
}

describe('scores that last', () => {
  it('a scoring that dies at any point goes on: every finished score kept, none computed twice', async () => {
    const plain = await scoreLists(lists, crossEncoderTeacher(scorer([])));
    const batches = Math.ceil(new Set(all).size / 7);
    for (let calls = 0; calls <= batches; calls++) {
      const place = join(folder, `s${stores++}`);
      const asked: string[] = [];
      if (calls < batches) await expect(run(place, asked, calls)).rejects.toThrow('killed');
      expect(asked).toHaveLength(Math.min(7 * calls, calls < batches ? Infinity : 0));
      expect(await run(place, asked)).toEqual(plain);
      expect([...asked].sort()).toEqual([...new Set(all)].sort());
      await run(place, asked, 0);
    }
  });

  it('another model has scores of its own', async () => {
    const place = join(folder, `s${stores++}`);
    const asked: string[] = [];
    await run(place, asked);
    await run(place, asked, undefined, 'cd'.repeat(32));
    expect(asked).toHaveLength(2 * new Set(all).size);
  });

  it('ends on request between two batches', async () => {
    const store = await FolderStore.open(join(folder, `s${stores++}`));
    const ending = new AbortController();
    const asked: string[] = [];
    const inner = scorer(asked);
    const scores = await cachedScores(
      (pairs) => {
        if (asked.length >= 7) ending.abort();
        return inner(pairs);
      },
      store,
      { model, batch: 7, signal: ending.signal },
    );
    await expect(scoreLists(lists, crossEncoderTeacher(scores))).rejects.toThrow(ScoringStoppedError);
    expect(asked).toHaveLength(14);
    await store.close();
  });
});
