/** Queries that a language model, or nobody, writes for the passages of a kept corpus. */
import { isPositive, textId, textKey } from '../../corpus/text-key.ts';
import type { ListRecord, QueriesBy } from '../../corpus/types.ts';
import { InputError } from '../../core/errors.ts';
import { jsonOf } from '../../core/json.ts';
import { own } from '../../core/own.ts';
import { FragmentJob, type FragmentParts } from '../../pipeline/fragment.ts';
import { RecipeStoppedError } from '../../pipeline/stage.ts';
import type { StageEvent } from '../../pipeline/workshop.ts';
import { loadingText } from '../words/loading.ts';
import { askedWriting, names, writingFragment } from '../writing-fragment.ts';
import type {
  Reviews,
  UsedQueries,
  WritingOutcome,
  WritingProgress,
  WritingSetup,
  WrittenQuery,
} from '../writing-protocol.ts';
import { partsOfText, type KeptItems } from './kept-items.ts';
import { sampleOf } from './run-events.ts';

export type WritingHost = Omit<FragmentParts, 'fragment' | 'onEvent' | 'onPassage'>;

interface Written {
  /** Of the corpus. */
  readonly passages: number;
  readonly test: readonly ListRecord[];
  readonly train: readonly ListRecord[];
}

/** Milliseconds between two tellings. */
const tellEvery = 200;

/** @throws InputError naming what does not fit; Error where requests had no answer */
export async function writeQueries(
  itemId: string,
  setup: WritingSetup,
  host: WritingHost,
  tell: (progress: WritingProgress) => void,
): Promise<WritingOutcome> {
  try {
    const { test, train } = await write(itemId, setup, host, tellingOf(setup, tell));
    return { state: 'finished', queries: [...queriesOf(test, 'test'), ...queriesOf(train, 'train')] };
  } catch (error) {
    if (error instanceof RecipeStoppedError) return { state: 'canceled' };
    throw error;
  }
}

async function write(
  itemId: string,
  setup: WritingSetup,
  host: WritingHost,
  onEvent: (event: StageEvent) => void,
): Promise<Written> {
  const job = await FragmentJob.open({ ...host, fragment: writingFragment(itemId, setup), onEvent });
  const test = await job.heldOutLists();
  const { lists } = await job.lists(names.written);
  return { passages: job.corpus.passages.size, test, train: await job.listsOf(lists) };
}

/** Both sets are one thing to the user. */
function tellingOf(
  setup: WritingSetup,
  tell: (progress: WritingProgress) => void,
): (event: StageEvent) => void {
  const { requests: total } = askedWriting(setup);
  const stages = new Map<string, { done: number; accepted: number; rejected: number }>();
  let toldAt = -Infinity;
  let seconds = 0;
  let replies = 0;
  return (event) => {
    if (event.kind !== 'generation') return;
    const { stage, prompt, event: told } = event;
    const { progress } = told;
    const place = `${stage.key} ${prompt.id}`;
    stages.set(place, {
      done: progress.done + progress.open,
      accepted: progress.items,
      rejected: progress.rejected,
    });
    const sum = (of: 'done' | 'accepted' | 'rejected'): number =>
      [...stages.values()].reduce((all, each) => all + each[of], 0);
    const done = sum('done');
    if (progress.replies > 0) [seconds, replies] = [progress.seconds, progress.replies];
    const isReply = told.kind === 'finished-task' || told.kind === 'rejected';
    const now = performance.now();
    if (isReply && now - toldAt < tellEvery && done < total) return;
    toldAt = now;
    tell({
      activity:
        told.kind === 'loading'
          ? `Loading the model: ${loadingText(told.loading)}`
          : told.kind === 'waiting'
            ? `${told.reason}; asking again in ${told.seconds.toFixed(0)} s`
            : undefined,
      ...{ done, total, accepted: sum('accepted'), rejected: sum('rejected') },
      secondsLeft: replies === 0 ? undefined : ((total - done) * seconds) / replies,
      sample: isReply ? sampleOf(prompt, told) : undefined,
    });
  };
}

function queriesOf(lists: readonly ListRecord[], split: WrittenQuery['split']): readonly WrittenQuery[] {
  return lists.map(({ query_id: id, query: text, query_type: type, documents }) => {
    const [first] = documents;
    return {
      ...{ id, text, type, split },
      prompt: first?.prompt,
      model: first?.source.replace(/^llm:/, '') ?? '',
      passages: documents.filter((document) => isPositive(document)).map(({ id, text }) => ({ id, text })),
    };
  });
}

/**
 * The corpus with the queries as they were reviewed: without the rejected ones, the edited ones in their new words.
 * `written.jsonl` says of each who wrote it, with which prompt, and what the review made of it.
 * @throws InputError where too few are left
 */
export async function useQueries(
  itemId: string,
  setup: WritingSetup,
  reviews: Reviews,
  host: WritingHost,
  items: KeptItems,
  signal: AbortSignal,
): Promise<UsedQueries> {
  const written = await write(itemId, setup, host, () => undefined);
  const test = reviewed(written.test, reviews, new Set());
  // What an edit makes of a train query may be a test query.
  const train = reviewed(written.train, reviews, new Set(test.map(({ query }) => textKey(query))));
  const tree = await items.openTree(itemId);
  for (const [split, lists] of Object.entries({ test, train })) {
    if (lists.length > 0) continue;
    throw new InputError(`has no ${split} query that was not rejected`, {
      file: tree.name,
      remedy: 'Accept some, or write more',
    });
  }
  const jsonLines = (records: readonly object[]): AsyncIterable<Uint8Array> =>
    partsOfText(linesOf(records.map((record) => JSON.stringify(record))));
  const metadata: { readonly by: QueriesBy } = {
    by: setup.generator.kind === 'extract' ? 'extract' : 'model',
  };
  const judgments = (lists: readonly ListRecord[]): AsyncIterable<Uint8Array> =>
    partsOfText(
      linesOf([
        'query-id\tcorpus-id\tscore',
        ...lists.flatMap(({ query_id, documents }) =>
          documents.filter((each) => isPositive(each)).map(({ id }) => `${query_id}\t${id}\t1`),
        ),
      ]),
    );
  const all = [...test, ...train];
  const item = await items.write(
    {
      kind: 'corpus',
      madeFrom: itemId,
      counts: {
        passages: written.passages,
        queries: all.length,
        splits: { test: countsOf(test), train: countsOf(train) },
      },
      name: `${tree.name} with ${setup.generator.kind === 'extract' ? 'extracted' : 'written'} queries`,
      splits: ['test', 'train'],
      // Of the train queries alone: whoever trains on it trains on no test query.
      listFiles: ['written.jsonl'],
    },
    [
      // As it is stored, so that its bytes are stored once.
      { path: 'corpus.jsonl', parts: (await tree.open('corpus.jsonl')).stream() },
      {
        path: 'queries.jsonl',
        parts: jsonLines(all.map(({ query_id, query }) => ({ _id: query_id, text: query, metadata }))),
      },
      { path: 'qrels/test.tsv', parts: judgments(test) },
      { path: 'qrels/train.tsv', parts: judgments(train) },
      { path: 'written.jsonl', parts: jsonLines(train) },
      { path: 'written-test.jsonl', parts: jsonLines(test) },
      {
        path: 'writing.json',
        parts: partsOfText(linesOf([JSON.stringify(jsonOf(writingFragment(itemId, setup)), null, 2)])),
      },
    ],
    signal,
  );
  return { item, train: train.length, test: test.length };
}

/** @param taken the keys of queries that it may not have */
function reviewed(
  lists: readonly ListRecord[],
  reviews: Reviews,
  taken: ReadonlySet<string>,
): readonly ListRecord[] {
  const seen = new Set(taken);
  return lists.flatMap((list) => {
    const review = own(reviews, list.query_id);
    if (review?.verdict === 'rejected') return [];
    const query = review?.verdict === 'edited' ? review.text.replace(/\s+/gu, ' ').trim() : list.query;
    if (query === '' || seen.has(textKey(query))) return [];
    seen.add(textKey(query));
    const verdict =
      review === undefined
        ? undefined
        : review.verdict === 'edited'
          ? `keep: edited, was ${JSON.stringify(list.query)}`
          : 'keep';
    return [
      {
        ...list,
        query_id: textId('query', query),
        query,
        documents: list.documents.map((document) =>
          verdict === undefined
            ? document
            : { ...document, verdicts: { ...document.verdicts, review: verdict } },
        ),
      },
    ];
  });
}

function countsOf(lists: readonly ListRecord[]): { readonly queries: number; readonly judgments: number } {
  const judgments = lists.flatMap(({ documents }) => documents.filter((each) => isPositive(each)));
  return { queries: lists.length, judgments: judgments.length };
}

async function* linesOf(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(`${line}\n`);
}
