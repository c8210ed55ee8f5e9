/** What the page and its demo worker say to each other. */
import type { FetchProgress } from '../host/contract.ts';
import type { SearchAnswer } from './protocol.ts';

/** What the worker fetches. */
export interface DemoPlace {
  /** What the page's own files lie under. */
  readonly base: string;
  /** The encoder's name. */
  readonly model: string;
}

/** Bytes of files as they are served, not compressed. */
export interface DemoSizes {
  /** Of what the first search reads, and a training too. */
  readonly corpus: number;
  readonly encoder: number;
  /** Of what else a training needs; undefined where the server does not tell. */
  readonly training: number | undefined;
}

/** How fast the computer trains. */
export interface StepRate {
  /** Of a small training step (demo-rate.ts). */
  readonly milliseconds: number;
  /** For trainings beside each other. */
  readonly cores: number;
}

/** Every request with its answer. */
export interface DemoCalls {
  readonly measureStep: { readonly ask: object; readonly answer: StepRate };
  readonly demoSizes: { readonly ask: DemoPlace; readonly answer: DemoSizes };
  /** Fetches corpus, queries and judgments, and indexes the corpus. */
  readonly openDemoCorpus: {
    readonly ask: DemoPlace;
    /** Passages. */
    readonly answer: number;
    readonly progress: FetchProgress;
  };
  /** Fetches the untrained encoder and embeds the corpus, which has to be open. */
  readonly openDemoEncoder: {
    readonly ask: DemoPlace;
    readonly answer: null;
    readonly progress: FetchProgress;
  };
  /** The best ten by each system that is there. */
  readonly searchDemo: { readonly ask: { readonly query: string }; readonly answer: SearchAnswer };
}
