/** What a language model writes and filters leave, invented. */
import type { Plan } from '../../src/pipeline/plan.ts';
import { demoRecipe } from '../../src/studio/demo-recipe.ts';
import type { KeptRun, RunEvent, WrittenSample } from '../../src/studio/protocol.ts';

const writing = { kind: 'generated', label: 'lists of written, written by writer', key: 'g' } as const;
const filtering = { kind: 'filtered', label: 'lists of written, strict', key: 'f' } as const;
const markup = '<img src=x onerror="document.title = 1">';

export const plan: Plan = {
  stages: [
    { ...writing, cost: 'generated', stored: false, seconds: 0, requests: 1200, timeIsUnknown: true },
    { ...filtering, cost: 'filtered', stored: false, seconds: 0 },
    {
      ...{ kind: 'training', label: 'training of written, seed 1', key: 't', cost: 'training' },
      ...{ stored: false, seconds: 40 },
    },
    { kind: 'ranking', label: 'bm25', key: 'b', cost: 'ranking', stored: true, seconds: 0 },
  ],
  seconds: 40,
  memory: { bytes: 300e6, availableBytes: 2e9 },
  disk: { keptBytes: 90e6, peakBytes: 900e6 },
};

function sample(given: Partial<WrittenSample>): WrittenSample {
  return {
    prompt: 'c-each-kind@1',
    task: 'bread-012',
    model: 'Qwen3-1.7B-q4f16_1-MLC',
    recorded: false,
    messages: [
      { role: 'system', content: 'You write search queries.' },
      { role: 'user', content: `Passage: Yeast gives off carbon dioxide. ${markup}` },
    ],
    text: '{"questions": "why does bread rise"}',
    items: [{ text: 'why does bread rise', type: 'questions' }],
    error: undefined,
    ...given,
  };
}

const progress = {
  tasks: 1200,
  done: 340,
  reused: 0,
  open: 1,
  items: 2040,
  replies: 345,
  rejected: 4,
  droppedItems: 12,
  completionTokens: 40_000,
  seconds: 900,
  tokensPerSecond: 44.4,
  itemsPerHour: 8160,
  secondsLeft: 2270,
};

const example = {
  query_id: 'q1',
  query: 'why does bread rise',
  id: 'd1',
  text: `${markup} Bread is older than ovens.`,
  source: 'llm:Qwen3-1.7B-q4f16_1-MLC',
};

/** A run that a server writes for, left in the middle. */
export const servedRun: KeptRun = {
  runId: 'recipe-served',
  recipe: {
    ...demoRecipe,
    name: 'served',
    generators: { writer: { kind: 'http', address: 'http://127.0.0.1:8000/v1', model: 'm' } },
  },
  state: 'begun',
  begunAt: '2026-01-01T12:00:00.000Z',
  changedAt: '2026-01-01T12:00:00.000Z',
};

/** In the order in which a run tells them. */
export const replies: readonly RunEvent[] = [
  {
    kind: 'loading',
    stage: writing,
    progress: { phase: 'download', receivedBytes: 120e6, totalBytes: 1.1e9 },
  },
  {
    kind: 'reply',
    stage: writing,
    progress,
    sample: sample({
      text: `{"questions": ${markup}`,
      items: [],
      error: 'the reply holds no whole JSON object',
    }),
  },
  { kind: 'reply', stage: writing, progress, sample: sample({}) },
  {
    kind: 'written',
    stage: writing,
    recorded: false,
    report: {
      model: 'Qwen3-1.7B-q4f16_1-MLC',
      prompts: [
        {
          prompt: 'c-each-kind@1',
          requests: 1200,
          unanswered: 3,
          rejectedReplies: 14,
          items: 7100,
          droppedItems: 40,
          tokensPerSecond: 44.4,
          samples: [{ task: 'bread-012', texts: ['why does bread rise', markup] }],
        },
      ],
    },
  },
  {
    kind: 'filtered',
    stage: filtering,
    report: {
      filter: {
        lists: 40,
        passages: 200,
        rules: [
          {
            rule: 'share<=0.95',
            judges: 'passages',
            counts: { kept: 180, dropped: 20, skipped: 0 },
            bySource: {},
            keptExamples: [{ ...example, verdict: 'keep' }],
            droppedExamples: [{ ...example, id: 'd2', verdict: 'drop: 0.97 of the positive’s score' }],
          },
        ],
      },
      kept: { lists: 39, droppedLists: 1, passages: 180, droppedPassages: 20 },
    },
  },
];
