/** What the first screen finds in the demo corpus, against the same searches elsewhere in the studio. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { readBeir } from '../../src/corpus/beir.ts';
import { openEmbedder } from '../../src/encoders/open-embedder.ts';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import ownFilesStored from '../../src/host/browser/own-files.json' with { type: 'json' };
import { noRuntime } from '../../src/host/no-runtime.ts';
import { openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { embedCorpus, indexWithBm25, rankWithBm25, rankWithVectors } from '../../src/retrieval/retrieve.ts';
import { VectorIndex } from '../../src/retrieval/vectors.ts';
import stored from '../../src/studio/demo-examples.json' with { type: 'json' };
import { exampleQueries, makeExamples } from '../../src/studio/demo-examples.ts';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import { DemoSearch, searchedFiles } from '../../src/studio/demo-search.ts';
import { ownFiles } from '../../scripts/demo-examples.mjs';

const folder = 'public/demo';
const openPico = () => openModelFiles().open(demoRecipe.encoder.model);
const idsOf = (passages: readonly { readonly id: string }[] | undefined) => passages?.map(({ id }) => id);

describe('the search before training', () => {
  let search: DemoSearch;
  beforeAll(async () => {
    search = await DemoSearch.open(await openTree(folder));
  });

  it('finds what BM25 finds elsewhere for every judged query, with its grades', async () => {
    const tree = await openTree(folder);
    const queries = [];
    for (const split of ['train', 'dev', 'test']) {
      const { queries: ofSplit, judgments } = await readBeir(tree, { split });
      queries.push(...ofSplit.map((query) => ({ ...query, grades: judgments.get(query.id) })));
    }
    expect(queries).toHaveLength(360);
    const index = await indexWithBm25((await readBeir(tree)).documents());
    const ranking = rankWithBm25(index, queries, { k: 10 });
    for (const { id, text, grades } of queries) {
      const { queryId, found } = await search.search(` ${text} `);
      expect(queryId).toBe(id);
      expect(found.map(({ system }) => system)).toEqual(['bm25']);
      const [{ passages } = { passages: [] }] = found;
      expect(passages.map(({ id, score, rank }) => ({ id, score, rank }))).toEqual(ranking.get(id));
      expect(passages.map(({ grade }) => grade)).toEqual(passages.map((passage) => grades?.get(passage.id)));
    }
  });

  it('finds what the untrained encoder finds elsewhere, and judges nothing for a new query', async () => {
    await search.addEncoder(await openPico());
    const query = { id: 'q', text: 'how do bees make honey' };
    const embedder = await openEmbedder(noRuntime, await readEncoder(await openPico()));
    const embed = (texts: readonly string[], side: 'query' | 'passage') => embedder.embed(texts, side);
    const { ids, vectors } = await embedCorpus((await readBeir(await openTree(folder))).documents(), embed);
    const ranking = await rankWithVectors(
      new VectorIndex(ids, vectors, embedder.dimensions),
      [query],
      embed,
      { k: 10 },
    );
    const { queryId, found } = await search.search(query.text);
    expect(queryId).toBeUndefined();
    expect(found.map(({ system }) => system)).toEqual(['bm25', 'untrained']);
    expect(idsOf(found[1]?.passages)).toEqual(idsOf(ranking.get('q')));
    expect(found.flatMap(({ passages }) => passages).every(({ grade }) => grade === undefined)).toBe(true);
  });

  it('has the stored lists of the examples: re-run `npm run demo-examples` after a change', async () => {
    await search.addEncoder(await openPico());
    expect(stored).toEqual(JSON.parse(JSON.stringify(await makeExamples(search))));
    const { queries } = await readBeir(await openTree(folder), { split: 'test' });
    const tested = new Set(queries.map(({ text }) => text));
    expect(exampleQueries.filter((query) => tested.has(query))).toEqual([]);
  });
});

it('knows sizes and hashes of the files that the page serves: re-run `npm run demo-examples` after a change', () => {
  expect(ownFilesStored).toEqual(ownFiles());
});

it('reads at most 200 KB, gzipped, of the demo corpus', () => {
  const bytes = searchedFiles.map((path) => gzipSync(readFileSync(`${folder}/${path}`)).length);
  expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(200_000);
});
