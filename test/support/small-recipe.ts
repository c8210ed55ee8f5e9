import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listFile, makeLists } from './training-lists.ts';
import { writeCollection } from './collection.ts';
import { tinyModel } from './model-folder.ts';

/** A collection that can be learned: 40 passages, the train queries of 28 and the test queries of 12 of them. */
export function recipeCorpus(): string {
  const lists = makeLists(40);
  const rows = (from: number, to: number): [string, string, number][] =>
    lists.slice(from, to).map(({ query_id }, i) => [query_id, `p${from + i}`, 1]);
  const folder = writeCollection({
    documents: Object.fromEntries(
      lists.flatMap(({ documents }) =>
        documents.slice(0, 2).map(({ id, text }) => [id, ['', text] as [string, string]]),
      ),
    ),
    queries: Object.fromEntries(lists.map(({ query_id, query }) => [query_id, query])),
    judgments: { train: rows(0, 28), test: rows(28, 40) },
  });
  writeFileSync(join(folder, 'lists.jsonl'), listFile(lists));
  return folder;
}

/** A recipe of two sources and three arms that takes seconds, as a document; changes replace top-level members. */
export function smallRecipe(
  folder: string,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    version: 1,
    name: 'small',
    seeds: [1, 2],
    corpus: { folder, dev: { share: 0.2 }, devCandidates: 3 },
    encoder: { model: tinyModel('tiny-bert'), queryMaxLength: 16, passageMaxLength: 24 },
    sources: {
      mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], ranks: { last: 10 }, negatives: 2 },
      ready: { kind: 'lists', corpusFile: 'lists.jsonl' },
    },
    teacher: { from: 'encoder', model: tinyModel('tiny-bert') },
    filters: { strict: ['relative-margin>=0.001'] },
    training: {
      batches: { batchSize: 4 },
      learningRate: 2e-3,
      maxSteps: 6,
      evaluateEvery: 3,
      tokensPerMicroBatch: 64,
    },
    arms: [
      { name: 'contrastive', source: 'mined', loss: 'infonce' },
      { name: 'filtered', source: 'mined', filters: 'strict', loss: { name: 'infonce', temperature: 0.1 } },
      { name: 'listwise', source: 'mined', loss: 'kl' },
    ],
    evaluation: { samples: 1000, depth: 20, pairs: [['listwise', 'contrastive']] },
    ...changes,
  };
}

/** What makes the small recipe one of one arm in place of three, trained once. */
export const oneArm = (source: string, loss = 'infonce'): string[] => [
  `arms=[{"name":"a","source":"${source}","loss":"${loss}"}]`,
  'evaluation.pairs=[]',
  'seeds=[1]',
];
