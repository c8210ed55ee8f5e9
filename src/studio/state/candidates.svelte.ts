import { own } from '../../core/own.ts';
import { RandomStream } from '../../core/random.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';
import type { FilteredReport } from '../../pipeline/lists-report.ts';
import type { KeptItem } from '../protocol.ts';
import { offeredRules } from '../words/offered-rules.ts';
import {
  pairKey,
  type CandidateChoices,
  type CandidateProgress,
  type PairLabels,
} from '../writing-protocol.ts';
import { problemOf, type Problem } from './problem.ts';
import type { Studio } from './studio.svelte.ts';

/** A query with one of its passages. */
export interface Pair {
  readonly key: string;
  readonly queryId: string;
  readonly query: string;
  readonly document: ListDocument;
}

/** What labels say of a rule. */
export interface Agreement {
  /** Labeled passages that it drops, and those of them that are relevant. */
  readonly dropped: number;
  readonly droppedRelevant: number;
  /** The same of those that it keeps. */
  readonly kept: number;
  readonly keptRelevant: number;
}

/** The lowest label of a relevant passage. */
export const relevantLabel = 2;

/** The candidates of a corpus's train queries: found, judged by rules and by people. */
export class CandidateView {
  readonly corpus: KeptItem;
  encoder = $state('pico');
  teacher = $state('nano');
  perRetriever = $state(5);
  sample = $state(40);
  seed = $state(1);
  /** Thresholds of the rules that are on, by their names. */
  thresholds = $state.raw<Readonly<Record<string, number>>>({ 'share<=': 0.95 });
  lists = $state.raw<readonly ListRecord[] | undefined>();
  report = $state.raw<FilteredReport | null>(null);
  progress = $state.raw<CandidateProgress | undefined>();
  isBusy = $state(false);
  labels = $state.raw<PairLabels>({});
  problem = $state.raw<Problem | undefined>();
  /** What became of the training lists. */
  kept = $state.raw<{ readonly lists: number; readonly passages: number } | undefined>();
  readonly pairs: readonly Pair[] = $derived(shuffledPairs(this.lists ?? [], this.seed));
  #cancel = new AbortController();
  #hasOpened = false;

  constructor(corpus: KeptItem) {
    this.corpus = corpus;
  }

  get rules(): readonly string[] {
    return offeredRules.flatMap(({ name }) => {
      const threshold = own(this.thresholds, name);
      return threshold === undefined || Number.isNaN(threshold) ? [] : [`${name}${threshold}`];
    });
  }

  setRule(name: string, threshold: number | undefined): void {
    const others = Object.fromEntries(Object.entries(this.thresholds).filter(([each]) => each !== name));
    this.thresholds = threshold === undefined ? others : { ...others, [name]: threshold };
  }

  /** The labels of earlier visits. */
  async open(studio: Studio): Promise<void> {
    if (this.#hasOpened) return;
    this.#hasOpened = true;
    try {
      const client = await studio.client();
      this.labels = (await client.writing('keptWriting', { itemId: this.corpus.id })).labels;
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  async find(studio: Studio): Promise<void> {
    const outcome = await this.#ask(studio, (client, options) =>
      client.writing('findCandidates', { choices: this.#choices(this.sample), access: {} }, options),
    );
    if (outcome?.state !== 'finished') return;
    this.lists = outcome.lists;
    this.report = outcome.report;
  }

  /** @returns the training lists */
  async keep(studio: Studio): Promise<KeptItem | undefined> {
    const outcome = await this.#ask(studio, (client, options) =>
      client.writing('keepCandidates', { choices: this.#choices(undefined), access: {} }, options),
    );
    if (outcome?.state !== 'finished') return undefined;
    const { item, lists, passages } = outcome;
    this.kept = { lists, passages };
    studio.kept = await (await studio.client()).kept();
    return item;
  }

  cancel(): void {
    this.#cancel.abort();
  }

  /** @param label undefined for none */
  async label(key: string, label: number | undefined, studio: Studio): Promise<void> {
    const others = Object.fromEntries(Object.entries(this.labels).filter(([each]) => each !== key));
    this.labels = label === undefined ? others : { ...others, [key]: label };
    try {
      const client = await studio.client();
      await client.writing('keepWriting', { itemId: this.corpus.id, changes: { labels: this.labels } });
    } catch (error) {
      this.problem = problemOf(error);
    }
  }

  labelOf(key: string): number | undefined {
    return own(this.labels, key);
  }

  /** How what a rule drops and keeps is labeled. */
  agreement(rule: string): Agreement {
    const counts = { dropped: 0, droppedRelevant: 0, kept: 0, keptRelevant: 0 };
    for (const { key, document } of this.pairs) {
      const label = this.labelOf(key);
      const verdict = own(document.verdicts, rule);
      if (label === undefined || verdict === undefined || (document.label ?? 0) > 0) continue;
      const isDropped = verdict.startsWith('drop');
      counts[isDropped ? 'dropped' : 'kept']++;
      if (label >= relevantLabel) counts[isDropped ? 'droppedRelevant' : 'keptRelevant']++;
    }
    return counts;
  }

  /** Labels as a TREC-like table, with a header as BEIR has it. */
  get table(): string {
    const rows = Object.entries(this.labels).map(([key, label]) => `${key}\t${label}\n`);
    return `query-id\tcorpus-id\tscore\n${rows.join('')}`;
  }

  #choices(sample: number | undefined): CandidateChoices {
    const { splits, id } = this.corpus;
    return {
      ...{ itemId: id, split: 'train', heldOut: splits.filter((split) => split !== 'train') },
      ...{ encoder: this.encoder, teacher: this.teacher, perRetriever: this.perRetriever },
      ...{ sample, rules: this.rules, writer: undefined, seed: this.seed },
    };
  }

  async #ask<Outcome>(
    studio: Studio,
    ask: (
      client: Awaited<ReturnType<Studio['client']>>,
      options: {
        readonly signal: AbortSignal;
        readonly onProgress: (progress: CandidateProgress) => void;
      },
    ) => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    if (this.isBusy) return undefined;
    this.isBusy = true;
    this.problem = undefined;
    this.progress = undefined;
    this.#cancel = new AbortController();
    const { signal } = this.#cancel;
    try {
      const onProgress = (progress: CandidateProgress): void => void (this.progress = progress);
      return await ask(await studio.client(), { signal, onProgress });
    } catch (error) {
      this.problem = problemOf(error);
      return undefined;
    } finally {
      this.isBusy = false;
      this.progress = undefined;
    }
  }
}

/** Every query with each of its passages, in an order that tells nothing of where they come from. */
function shuffledPairs(lists: readonly ListRecord[], seed: number): readonly Pair[] {
  const pairs = lists.flatMap(({ query_id: queryId, query, documents }) =>
    documents.map((document) => ({ key: pairKey(queryId, document.id), queryId, query, document })),
  );
  return new RandomStream(seed, 'labels').shuffle(pairs);
}
