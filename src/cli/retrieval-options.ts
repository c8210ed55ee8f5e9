import type { Command } from 'commander';
import { InputError } from '../host/errors.ts';
import { settle } from '../host/setting.ts';
import { bm25SettingTable } from '../retrieval/bm25-setting-table.ts';
import { bm25Warnings } from '../retrieval/bm25.ts';
import type { Ranking } from '../retrieval/ranking.ts';
import { embedCorpus, indexWithBm25, rankWithBm25, rankWithVectors } from '../retrieval/retrieve.ts';
import { VectorIndex } from '../retrieval/vectors.ts';
import { openWorkerPool } from '../host/node/workers.ts';
import type { OpenCorpus } from './corpus-options.ts';
import type { DenseEncoder } from './dense-encoder.ts';
import type { CliIo, Progress } from './io.ts';
import {
  CorpusDigest,
  embedLastingCorpus,
  type CorpusToEmbed,
  type EmbeddedCorpus,
  type LastingOptions,
} from './lasting-corpus.ts';
import type { ComputeOptions } from './options.ts';
import { addSettingOptions, chosenSettings } from './setting-options.ts';

/** The options that choose how documents are found, as the action receives them. */
export interface RetrievalOptions {
  readonly bm25?: boolean;
  readonly model?: string;
  readonly titles: boolean;
  readonly dropIdentical?: boolean;
}

export function addRetrievalOptions(command: Command): Command {
  command
    .option('--bm25', 'search words, with BM25')
    .option('--model <model>', 'search vectors of this encoder: nano, a folder or ORG/NAME')
    .option('--drop-identical', "leave out the document whose id is the query's own (ArguAna, Quora)");
  return addSettingOptions(command, bm25SettingTable);
}

/** A ranking and how it came about. */
export interface RankedCorpus {
  readonly ranking: Ranking;
  readonly documents: number;
  /** To index or embed the corpus. */
  readonly indexSeconds: number;
  readonly searchSeconds: number;
  /** Takes what was kept for a process that goes on out of the store, when the ranking has served. */
  readonly forget?: () => Promise<void>;
}

/** How a model ranks a corpus. */
export interface ModelRankingOptions extends RetrievalOptions, ComputeOptions {
  readonly model: string;
  /** Default: a process that is killed begins anew. */
  readonly lasting?: LastingOptions;
}

/** Ranks the corpus for its queries with BM25. */
export async function rankCorpusWithBm25(
  { dataset, showProgress }: OpenCorpus,
  options: RetrievalOptions,
  k: number,
  io: CliIo,
): Promise<RankedCorpus> {
  const { titles, dropIdentical = false } = options;
  const settings = settle(bm25SettingTable, chosenSettings(bm25SettingTable, options));
  for (const warning of bm25Warnings(settings)) io.warn(warning);
  const startedAt = performance.now();
  const reading = showProgress('indexing');
  const index = await indexWithBm25(dataset.documents(), { ...settings, titles }).finally(() =>
    reading.stop(),
  );
  requireDocuments(index.size, dataset.name);
  const indexedAt = performance.now();
  const ranking = await withProgress(io, 'searching', dataset.queries.length, 'queries', (progress) =>
    rankWithBm25(index, dataset.queries, { k, dropIdentical, onProgress: (done) => progress.update(done) }),
  );
  return {
    ranking,
    documents: index.size,
    indexSeconds: (indexedAt - startedAt) / 1000,
    searchSeconds: (performance.now() - indexedAt) / 1000,
  };
}

/** Ranks the corpus for its queries by the dot product of an encoder's vectors, over all documents. */
export async function rankCorpusWithModel(
  { dataset, showProgress }: OpenCorpus,
  options: ModelRankingOptions,
  k: number,
  io: CliIo,
): Promise<RankedCorpus> {
  const { model, titles, dropIdentical = false, threads, lasting } = options;
  const startedAt = performance.now();
  // Counting takes a moment beside embedding, and tells how long that will take.
  const digest = new CorpusDigest();
  const total = await countDocuments({ dataset, showProgress }, lasting === undefined ? undefined : digest);
  requireDocuments(total, dataset.name);
  // ONNX Runtime and the tokenizers: not for BM25 alone.
  const { openDenseEncoder } = await import('./dense-encoder.ts');
  const encoder = await openDenseEncoder(model, options, io);
  const pool = openWorkerPool('search', threads === undefined ? {} : { size: threads });
  try {
    const { ids, vectors, forget } = await withProgress(io, 'embedding', total, 'passages', (progress) => {
      const corpus = { documents: dataset.documents(), titles, digest };
      return lasting === undefined
        ? embedAtOnce(corpus, encoder, progress)
        : embedLastingCorpus(corpus, encoder, lasting, progress, io);
    });
    const index = new VectorIndex(ids, vectors, encoder.dimensions, pool);
    const indexedAt = performance.now();
    const ranking = await withProgress(io, 'searching', dataset.queries.length, 'queries', (progress) =>
      rankWithVectors(
        index,
        dataset.queries,
        encoder.embedWith(() => undefined),
        {
          k,
          dropIdentical,
          onProgress: (done) => progress.update(done),
        },
      ),
    );
    return {
      ranking,
      documents: index.size,
      indexSeconds: (indexedAt - startedAt) / 1000,
      searchSeconds: (performance.now() - indexedAt) / 1000,
      ...(forget !== undefined && { forget }),
    };
  } finally {
    await pool.close();
    await encoder.close();
  }
}

/** @param digest hears of every document too */
async function countDocuments(
  { dataset, showProgress }: OpenCorpus,
  digest: CorpusDigest | undefined,
): Promise<number> {
  const reading = showProgress('reading');
  let count = 0;
  try {
    for await (const document of dataset.documents()) {
      digest?.add(document);
      count++;
    }
    return count;
  } finally {
    reading.stop();
  }
}

function embedAtOnce(
  { documents, titles }: CorpusToEmbed,
  encoder: DenseEncoder,
  progress: Progress,
): Promise<EmbeddedCorpus> {
  let earlier = 0;
  const count = (done: number, of: number): void => {
    progress.update(earlier + done);
    if (done === of) earlier += of;
  };
  return embedCorpus(documents, encoder.embedWith(count), { titles });
}

async function withProgress<T>(
  io: CliIo,
  label: string,
  total: number,
  unit: string,
  work: (progress: Progress) => T | Promise<T>,
): Promise<T> {
  const progress = io.progress(label, total, unit);
  try {
    return await work(progress);
  } finally {
    progress.stop();
  }
}

function requireDocuments(count: number, name: string): void {
  if (count > 0) return;
  throw new InputError('its corpus.jsonl holds no documents', { file: name, remedy: 'Give a whole corpus' });
}
