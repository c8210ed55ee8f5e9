/** A finished training, invented: what the page shows of it does not depend on what was trained. */
import type { ArmReport, RecipeReport } from '../../src/pipeline/report.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import { planned } from './canned-plan.ts';
import type { ComputeFacts, KeptItem, KeptRun, OpenedRun, SearchAnswer } from '../../src/studio/protocol.ts';

const steps = Array.from({ length: 18 }, (_, i) => i + 1);

function arm(name: string, loss: string, gain: number): ArmReport {
  return {
    name,
    source: 'lists',
    filters: null,
    loss,
    learningRate: 5e-4,
    lists: 60,
    passages: 2000,
    listsReport: { lists: 60, passages: 2000, mined: null, guard: {}, recorded: false },
    filtered: null,
    trainings: [
      {
        seed: 1,
        steps: steps.length,
        bestStep: steps.length,
        endedBy: 'steps',
        dev: { metric: 'ndcg_cut_10', before: 0.4, after: 0.4 + gain },
        losses: steps.map((step) => 2 / step),
        evaluations: [0, 6, 12, 18].map((step) => ({
          step,
          values: { ndcg_cut_10: 0.4 + (gain * step) / 18 },
        })),
        seconds: 12,
        pairsPerSecond: 100,
        breaks: [],
        key: name,
      },
    ],
  };
}

const measured = (mean: number) => ({ mean, perSeed: [mean], spread: null });
const system = (name: string, ndcg: number) => ({
  name,
  metrics: { ndcg_cut_10: measured(ndcg), recall_10: measured(ndcg - 0.1) },
});
/** A test of one system against another. */
export const pair = (
  name: string,
  baseline: string,
  difference: number,
  p: number,
  metric = 'ndcg_cut_10',
) => ({
  system: name,
  baseline,
  metric,
  difference,
  interval: [difference - 0.03, difference + 0.03] as const,
  tTestP: p,
  tTestHolmP: p,
  randomizationP: p,
  randomizationHolmP: p,
  wins: 100,
  ties: 90,
  losses: 60,
  smallestDetectable: 0.04,
});

export const report: RecipeReport = {
  format: 1,
  recipe: readRecipe(demoRecipe),
  versions: { studio: '0.1.0' },
  device: 'wasm',
  threads: 1,
  fingerprint: {},
  otherFingerprints: [],
  seconds: { job: 40, computed: 40, stored: 0 },
  corpus: { name: 'demo', passages: 2239, trainQueries: 60, devQueries: 50, testQueries: 250, warnings: [] },
  findings: {},
  tables: [],
  exclusions: [],
  arms: [arm('contrastive', 'infonce', 0.05), arm('listwise', 'kl', 0.08)],
  tuning: [],
  results: {
    all: {
      queries: 250,
      systems: [
        system('bm25', 0.4),
        system('untrained', 0.41),
        system('contrastive', 0.46),
        system('listwise', 0.5),
      ],
      comparisons: [
        pair('contrastive', 'untrained', 0.05, 0.01),
        pair('listwise', 'untrained', 0.09, 0.001),
        pair('listwise', 'contrastive', 0.02, 0.4),
      ],
    },
    disjoint: null,
    sharedQueries: null,
    perQuery: { queries: [], systems: {} },
  },
  shown: [],
  notes: ['There is only one seed, so the intervals do not include variation between seeds.'],
  stages: [],
};

export const compute: ComputeFacts = {
  device: 'wasm',
  threads: 1,
  withoutGpu: 'the browser plays the GPU in software',
  fingerprint: {},
  repeats: undefined,
};

const keptAt = '2026-01-01T12:00:00.000Z';
const own = { ...demoRecipe, name: 'own corpus', corpus: { folder: 'own-corpus-1' } };

export const runs: readonly KeptRun[] = [
  { runId: 'demo', recipe: demoRecipe, state: 'finished', begunAt: keptAt, changedAt: keptAt },
  { runId: 'own-1', recipe: own, state: 'begun', begunAt: keptAt, changedAt: keptAt },
];

export const keptCorpus: KeptItem = {
  id: 'own-corpus-1',
  name: 'own corpus',
  bytes: 2_000_000,
  kind: 'corpus',
  splits: ['test', 'train'],
  listFiles: ['lists.jsonl'],
  keptAt,
};

export const kept: readonly KeptItem[] = [
  keptCorpus,
  {
    id: 'language-model/https://huggingface.co/mlc-ai/Qwen3-0.6B-q4f16_1-MLC/resolve/main/',
    name: 'Qwen3-0.6B-q4f16_1-MLC',
    bytes: 351_200_000,
    kind: 'language-model',
    splits: [],
    listFiles: [],
    keptAt: '',
  },
  {
    id: 'language-model/0123456789abcdef-qwen2.5-0.5b-instruct-q4_k_m.gguf',
    name: 'qwen2.5-0.5b-instruct-q4_k_m.gguf',
    bytes: 491_400_032,
    kind: 'language-model',
    splits: [],
    listFiles: [],
    keptAt: '',
  },
];

export const opened: OpenedRun = {
  runId: 'demo',
  plan: {
    stages: [],
    seconds: 40,
    trainingsAtOnce: 1,
    memory: { bytes: 1, availableBytes: 2 },
    disk: { keptBytes: 1, peakBytes: 2 },
  },
  corpus: {
    name: 'demo',
    passages: 2239,
    testQueries: [{ id: 'q', text: 'why does bread rise' }],
    warnings: [],
  },
  advice: [],
};

const markup = '<img src=x onerror="document.title = 1"><b>Yeast</b> gives off carbon dioxide.';

/** One of the passages would be dangerous as HTML. */
export const answer: SearchAnswer = {
  queryId: 'q',
  found: [
    { system: 'untrained', passages: [passage('a', 1, 0), passage('b', 2, 1), passage('c', 3, undefined)] },
    { system: 'listwise', passages: [passage('d', 1, 3), passage('b', 2, 1), passage('a', 3, 0)] },
  ],
};

function passage(id: string, rank: number, grade: number | undefined) {
  return { id, rank, grade, score: 1 / rank, text: id === 'd' ? markup : `Passage ${id} of the corpus.` };
}

/** What the page's workers answer, by call. */
export const answers = {
  measureStep: { milliseconds: 10, cores: 2 },
  demoSizes: { corpus: 600_000, encoder: 4_000_000, training: 2_800_000 },
  openDemoCorpus: 2239,
  openDemoEncoder: null,
  searchDemo: { queryId: undefined, found: [{ ...answer.found[0], system: 'bm25' }, answer.found[0]] },
  open: compute,
  runs,
  kept,
  openRun: opened,
  planTraining: planned,
  dataFacts: planned.facts,
  modelDownloads: [],
  run: { state: 'finished', report },
  search: answer,
  testQueries: opened.corpus.testQueries,
  keywordBaseline: {
    state: 'finished',
    baseline: { split: 'test', queries: 120, metrics: { ndcg_cut_10: 0.312, recall_100: 0.804 } },
  },
  corpusOrigins: [],
  corpusRows: {
    state: 'finished',
    answer: {
      total: 2,
      rows: [
        { kind: 'document', id: 'p0', text: 'The tide follows the moon.', score: undefined },
        { kind: 'document', id: 'p1', text: 'Salt comes from rivers that carry minerals.', score: undefined },
      ],
    },
  },
  corpusText: { id: 'p0', title: '', text: 'The tide follows the moon.' },
  pause: null,
  resume: null,
  cancel: null,
} as const;
