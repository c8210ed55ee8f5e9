/** What the page asks where a language model writes queries, candidates are looked at, and people label them. */
import type { ListRecord } from '../corpus/types.ts';
import type { RecipeGenerator } from '../pipeline/generators/index.ts';
import type { FilteredReport } from '../pipeline/lists-report.ts';
import type { RecipePrompt } from '../pipeline/recipe-prompts.ts';
import type { GeneratorAccess, KeptItem, WrittenSample } from './protocol.ts';

/** A passage that queries are written for. */
export interface AskedPassage {
  readonly id: string;
  readonly text: string;
}

/** What is written, by whom: kept with its corpus. A type alias, so that it is assignable to Json. */
export type WritingSetup = Readonly<{
  generator: RecipeGenerator;
  prompts: readonly RecipePrompt[];
  /** In all. */
  queries: number;
  /** Of them, those for passages that are never trained on. */
  testQueries: number;
  seed: number;
}>;

/** What somebody made of a written query. */
export type Review =
  | Readonly<{ verdict: 'accepted' }>
  | Readonly<{ verdict: 'rejected' }>
  | Readonly<{ verdict: 'edited'; text: string }>;

/** By the ids of queries. */
export type Reviews = Readonly<Record<string, Review>>;

/** By {@link pairKey}: from 0, not relevant, to 3, the exact answer. */
export type PairLabels = Readonly<Record<string, number>>;

export function pairKey(query: string, document: string): string {
  return `${query}\t${document}`;
}

/** What is kept of a corpus's writing. */
export type KeptWriting = Readonly<{
  setup: WritingSetup | null;
  reviews: Reviews;
  labels: PairLabels;
}>;

/** One request of a trial, with its reply. */
export interface TriedReply {
  /** Of the prompt, with its version. */
  readonly sample: WrittenSample;
  /** Items that were left out of it, each with its reason. */
  readonly dropped: readonly string[];
  /** What the model took; undefined where the reply was there already. */
  readonly seconds: number | undefined;
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

export type TrialProgress =
  | { readonly kind: 'loading'; readonly text: string }
  | { readonly kind: 'reply'; readonly tried: TriedReply };

export interface WrittenQuery {
  readonly id: string;
  readonly text: string;
  readonly type: string | undefined;
  readonly split: 'train' | 'test';
  /** With its version. */
  readonly prompt: string | undefined;
  readonly model: string;
  /** Which it was written for. */
  readonly passages: readonly AskedPassage[];
}

export interface WritingProgress {
  /** What it does now, where it asks nothing. */
  readonly activity: string | undefined;
  /** Requests, of {@link total}. */
  readonly done: number;
  readonly total: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly secondsLeft: number | undefined;
  /** The newest reply. */
  readonly sample: WrittenSample | undefined;
}

export type WritingOutcome =
  { readonly state: 'finished'; readonly queries: readonly WrittenQuery[] } | { readonly state: 'canceled' };

/** Which candidates are looked at. */
export interface CandidateChoices {
  /** A corpus with train queries. */
  readonly itemId: string;
  readonly split: string;
  /** Judged splits that nothing is trained on. */
  readonly heldOut: readonly string[];
  /** nano, pico, a hub id or the id of a kept folder. */
  readonly encoder: string;
  readonly teacher: string;
  /** Of each retriever for each query. */
  readonly perRetriever: number;
  /** At most; all of them where it is undefined. */
  readonly sample: number | undefined;
  readonly rules: readonly string[];
  /** Who writes passages that do not answer; nobody where it is undefined. */
  readonly writer: RecipeGenerator | undefined;
  readonly seed: number;
}

export interface CandidateProgress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

export type CandidatesOutcome =
  | {
      readonly state: 'finished';
      /** Every candidate, with scores and verdicts. */
      readonly lists: readonly ListRecord[];
      /** Null where there are no rules. */
      readonly report: FilteredReport | null;
    }
  | { readonly state: 'canceled' };

export type KeptListsOutcome =
  | { readonly state: 'finished'; readonly item: KeptItem; readonly lists: number; readonly passages: number }
  | { readonly state: 'canceled' };

export interface UsedQueries {
  readonly item: KeptItem;
  readonly train: number;
  readonly test: number;
}

interface Writing {
  readonly itemId: string;
  readonly setup: WritingSetup;
}

export interface WritingCalls {
  /** A passage at random: another one for another seed. */
  drawPassage: {
    readonly ask: { readonly itemId: string; readonly seed: number };
    readonly answer: AskedPassage;
  };
  /** Asks every prompt about one passage, and keeps the replies. Not during a run. */
  tryPassage: {
    readonly ask: {
      readonly passage: AskedPassage;
      readonly generator: RecipeGenerator;
      readonly prompts: readonly RecipePrompt[];
      readonly seed: number;
      readonly access: GeneratorAccess[string];
    };
    readonly answer: readonly TriedReply[];
    readonly progress: TrialProgress;
  };
  /**
   * Writes what is not written. It is held and resumed as the run `writing`. Aborted, it answers that it was canceled,
   * and asked again it resumes.
   */
  writeQueries: {
    readonly ask: Writing & { readonly access: GeneratorAccess[string] };
    readonly answer: WritingOutcome;
    readonly progress: WritingProgress;
  };
  /** Keeps a corpus anew, with the written queries as they were reviewed. */
  useQueries: { readonly ask: Writing; readonly answer: UsedQueries };
  keptWriting: { readonly ask: { readonly itemId: string }; readonly answer: KeptWriting };
  /** Members that are given take the places of those that are kept. */
  keepWriting: {
    readonly ask: { readonly itemId: string; readonly changes: Partial<KeptWriting> };
    readonly answer: null;
  };
  findCandidates: {
    readonly ask: { readonly choices: CandidateChoices; readonly access: GeneratorAccess[string] };
    readonly answer: CandidatesOutcome;
    readonly progress: CandidateProgress;
  };
  /** Keeps the candidates of all train queries as training lists, without what the rules drop. */
  keepCandidates: {
    readonly ask: { readonly choices: CandidateChoices; readonly access: GeneratorAccess[string] };
    readonly answer: KeptListsOutcome;
    readonly progress: CandidateProgress;
  };
}

/** What `pause` and `resume` call the writing. */
export const writingRunId = 'writing';
