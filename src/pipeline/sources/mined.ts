import * as v from 'valibot';
import type { ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../core/errors.ts';
import { jsonOf } from '../../core/json.ts';
import { settledEntriesOf } from '../../core/setting.ts';
import { documentsToMine, fusedSource, type CandidateSource } from '../../lists/candidates.ts';
import { mineHardNegatives, type MiningReport } from '../../lists/hard-negatives.ts';
import { makeListwiseLists } from '../../lists/listwise-lists.ts';
import { defaultRanks, miningSettingTable } from '../../lists/mining-setting-table.ts';
import { bm25Warnings } from '../../retrieval/bm25.ts';
import { guardedLists } from '../lists-report.ts';
import { queriesOfLists, queriesOfSplit, type QuerySet } from '../query-set.ts';
import { checkFile } from '../faults.ts';
import { omit } from '../omit.ts';
import type { JudgedQueries } from '../recipe-corpus.ts';
import {
  anyModel,
  bm25Entries,
  count,
  described,
  encodingEntries,
  fileEntries,
  name,
  seed,
} from '../schema/parts.ts';
import { defineSource, sourceStage, type ListsSize, type SourceContext } from '../source.ts';
import { noWork, type Stage } from '../stage.ts';
import { bm25Retriever, randomRetriever, retrieverOf, type Retriever } from '../retriever.ts';
import { candidatesStage } from '../stages/candidates.ts';

const retriever = v.variant('kind', [
  v.strictObject({ kind: v.literal('bm25'), name: v.optional(name, 'bm25'), ...bm25Entries }),
  v.strictObject({
    kind: v.literal('dense'),
    name: v.optional(name, 'dense'),
    model: described(
      v.optional(anyModel),
      'nano, pico, a model folder or ORG/NAME on the hub; prefix it with transformers.js: to run it with transformers.js. ' +
        "Default: the recipe's encoder, untrained.",
    ),
    ...encodingEntries,
  }),
  described(
    v.strictObject({
      kind: v.literal('random'),
      name: v.optional(name, 'random'),
      seed: v.optional(seed, 0),
    }),
    'Any passages of the corpus, in random order.',
  ),
  described(
    v.strictObject({ kind: v.literal('vectors'), name: v.optional(name, 'vectors'), ...fileEntries }),
    'Exact search with the vectors that an encoder has left in a file (embed --lists --corpus), without the encoder.',
  ),
]);

const schema = v.strictObject({
  kind: v.literal('mined'),
  of: described(
    v.optional(name),
    "Source whose queries and positives are used instead of the train split's.",
  ),
  retrievers: described(v.pipe(v.array(retriever), v.minLength(1)), 'Retrievers that supply the candidates.'),
  fuse: described(
    v.optional(v.boolean(), false),
    'Whether to combine the retrievers by reciprocal rank fusion.',
  ),
  ...settledEntriesOf(miningSettingTable),
  ranks: v.optional(
    v.strictObject({
      first: v.optional(count, defaultRanks.first),
      last: v.optional(count, defaultRanks.last),
    }),
    {},
  ),
  dropIdentical: described(
    v.optional(v.boolean()),
    'Whether to ignore documents with the same id as the query (ArguAna, Quora). Default: false.',
  ),
  labelUnjudged: described(
    v.optional(v.boolean(), false),
    'Whether to label unjudged candidates of listwise lists 0.',
  ),
  seed: v.optional(seed, 0),
});

type MinedSource = v.InferOutput<typeof schema>;

/** Training lists from what retrievers found, without test and dev queries. */
export const mined = defineSource({
  schema,
  parts: ({ of }) => (of === undefined ? [] : [{ name: of, path: ['of'] }]),
  check: ({ of, ranks, retrievers }, { corpus }, path, faults) => {
    if (of === undefined && corpus.train === null) {
      faults.add(path, 'mining requires judged train queries, but corpus.train is null');
    }
    if (ranks.last < ranks.first) {
      faults.add([...path, 'ranks', 'last'], `is ${ranks.last}, which is below the first, ${ranks.first}`);
    }
    faults.distinct(
      (i) => [...path, 'retrievers', i, 'name'],
      retrievers.map((each) => each.name),
      'retrievers',
    );
    retrievers.forEach((each, i) => {
      if (each.kind === 'vectors') checkFile(each, [...path, 'retrievers', i], faults);
    });
  },
  warnings: ({ retrievers }) => retrievers.filter((each) => each.kind === 'bm25').flatMap(bm25Warnings),
  prepare: async (name, source, context) => {
    const { corpus, heldOut } = context;
    const { queries, size } = await minedQueries(name, source, context);
    const candidates: Stage[] = [];
    for (const each of source.retrievers)
      candidates.push(await findCandidates(each, source, queries, context));
    const lists = await sourceStage(name, {
      inputs: {
        mined: jsonOf(omit(source, 'retrievers', 'of')),
        names: source.retrievers.map((each) => each.name),
        candidates: candidates.map(({ key }) => key),
        train: queries.input,
        passages: corpus.passages.hash,
        heldOut: heldOut.hash,
      },
      needs: [...queries.needs, ...candidates, ...heldOut.needs],
      work: { ...noWork, seconds: queries.count * 2e-4 },
      run: async (workshop) => {
        const found: CandidateSource[] = [];
        for (const [i, stage] of candidates.entries()) {
          found.push({
            source: source.retrievers[i]?.name ?? '',
            ranking: await workshop.rankingOf(stage),
          });
        }
        const sources = source.fuse ? [fusedSource(found, source.depth)] : found;
        const judged = await queries.open(workshop);
        const range = { firstRank: source.ranks.first, lastRank: source.ranks.last };
        const texts = await corpus.passages.textsOf(
          documentsToMine(judged.queries, judged.judgments, sources, range),
        );
        const textOf = (id: string): string | undefined => texts.get(id) ?? judged.textOf(id);
        const { lists: made, report } = mine(source, judged, sources, textOf);
        const known = made.map((list) => judged.withHistory(list));
        return guardedLists(heldOut, await heldOut.written(workshop), known, judged.recorded, {
          mined: { ...report },
        });
      },
    });
    const negatives = source.negatives * (source.fuse ? 1 : source.retrievers.length);
    const rows = source.lists === 'per-positive' ? size.positives : size.lists;
    const passages = size.positives + rows * negatives;
    return {
      lists,
      expected: { lists: rows, positives: size.positives, passages, ...context.typicalTokens() },
    };
  },
});

/** The queries that are searched for: those of another source, or the train split's. */
async function minedQueries(
  name: string,
  { of, level: lowest }: Pick<MinedSource, 'of' | 'level'>,
  context: SourceContext,
): Promise<{ readonly queries: QuerySet; readonly size: Pick<ListsSize, 'lists' | 'positives'> }> {
  if (of !== undefined) {
    const { lists, expected } = await context.source(of);
    return { queries: queriesOfLists(lists, expected), size: expected };
  }
  const { train } = context.heldOut;
  if (train === undefined || train.queries.length === 0) {
    throw new InputError(`sources.${name}: there are no train queries to mine negatives for`, {
      remedy: 'Set corpus.train to a split with judgments, and hold out less for dev',
    });
  }
  const grades = [...train.judgments.values()].flatMap((judged) => [...judged.values()]);
  const positives = grades.filter((grade) => grade >= lowest).length;
  return { queries: queriesOfSplit(train), size: { lists: train.queries.length, positives } };
}

async function findCandidates(
  searched: MinedSource['retrievers'][number],
  { fuse, depth, ranks, dropIdentical = false }: MinedSource,
  queries: QuerySet,
  context: SourceContext,
): Promise<Stage> {
  const k = fuse ? Math.max(depth, ranks.last) : ranks.last;
  const retriever = await openRetriever(searched, context);
  return candidatesStage(context, searched.name, retriever, queries, { k, dropIdentical });
}

async function openRetriever(
  searched: MinedSource['retrievers'][number],
  context: SourceContext,
): Promise<Retriever> {
  switch (searched.kind) {
    case 'bm25':
      return bm25Retriever(searched);
    case 'random':
      return randomRetriever(searched.seed);
    case 'vectors':
      return retrieverOf(await context.vectors(searched), context.runtime);
    case 'dense': {
      const overrides = omit(searched, 'kind', 'name', 'model');
      return retrieverOf(await context.encoder(searched.model, overrides), context.runtime);
    }
  }
}

function mine(
  source: MinedSource,
  { queries, judgments }: Pick<JudgedQueries, 'queries' | 'judgments'>,
  sources: readonly CandidateSource[],
  textOf: (id: string) => string | undefined,
): { readonly lists: readonly ListRecord[]; readonly report: MiningReport } {
  const { negatives, pick, seed, level, labelUnjudged, ranks } = source;
  const range = { firstRank: ranks.first, lastRank: ranks.last, level };
  return source.lists === 'listwise'
    ? makeListwiseLists(queries, judgments, sources, textOf, {
        ...range,
        candidates: negatives,
        labelUnjudged,
      })
    : mineHardNegatives(queries, judgments, sources, textOf, {
        ...range,
        negatives,
        pick,
        seed,
        lists: source.lists,
      });
}
