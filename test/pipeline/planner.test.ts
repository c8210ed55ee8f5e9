import { describe, expect, it } from 'vitest';
import type { FileTree } from '../../src/core/source.ts';
import type { ModelFiles } from '../../src/host/contract.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openFile, openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import type { Budget } from '../../src/pipeline/budget.ts';
import { TrainingPlanner, type PlannedTraining } from '../../src/pipeline/planner.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { nodeGenerators } from '../../src/cli/generators.ts';
import { writeCollection } from '../support/collection.ts';
import { recipePlace } from '../support/recipe-place.ts';

const place = recipePlace();

/** 60 passages of two topics, of which each of 12 train queries has one to six that are relevant. */
function collection(): string {
  const documents = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [
      `d${i}`,
      [
        '',
        `passage ${i} tells of the water and of the ${i % 2 === 0 ? 'river' : 'mountain'} in year ${i}`,
      ] as [string, string],
    ]),
  );
  const train = Array.from({ length: 12 }, (_, q) => q).flatMap((q) =>
    Array.from({ length: 1 + (q % 6) }, (_, i): [string, string, number] => [`q${q}`, `d${5 * q + i}`, 1]),
  );
  return writeCollection({
    documents,
    queries: Object.fromEntries(Array.from({ length: 16 }, (_, q) => [`q${q}`, `what is in year ${q}`])),
    judgments: { train, test: [12, 13, 14, 15].map((q) => [`q${q}`, `d${q}`, 1]) },
  });
}

/** A planner with a count of what it read. */
function counted() {
  const reads = { corpus: 0, models: [] as string[] };
  const models = openModelFiles({ offline: true });
  const watched: ModelFiles = {
    open: (model) => {
      reads.models.push(model);
      return models.open(model);
    },
  };
  const planner = new TrainingPlanner({
    ...{ runtime: place.runtime, store: place.store, clock: nodeClock, version: 'test', models: watched },
    generators: nodeGenerators(new Map()),
    files: {
      openFile,
      openCorpus: async ({ folder }): Promise<FileTree> => {
        const tree = await openTree(folder ?? '');
        return {
          ...tree,
          open: async (path) => {
            const source = await tree.open(path);
            if (path !== 'corpus.jsonl') return source;
            return {
              ...source,
              stream: (...range) => {
                reads.corpus++;
                return source.stream(...range);
              },
            };
          },
        };
      },
    },
    isHere: (model) => !model.includes('/'),
  });
  return { planner, reads };
}

const document = (folder: string) => ({
  version: 1,
  name: 'planned',
  corpus: { folder, dev: { share: 0.2 } },
  encoder: { model: 'pico', passageMaxLength: 64 },
  sources: { lists: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 4 } },
  training: { batches: { batchSize: 4, negatives: 2 }, learningRate: 0.01, epochs: 2 },
  arms: [{ name: 'a', source: 'lists', loss: 'infonce' }],
});

type Changes = Readonly<Record<string, unknown>>;
const plan = (
  planner: TrainingPlanner,
  folder: string,
  changes: Changes = {},
  budget: Budget = { seconds: 300 },
): Promise<PlannedTraining> =>
  planner.plan(readRecipe({ ...document(folder), ...changes }), { budget, measures: true });

describe('a plan that follows every change', () => {
  it('reads corpus and encoder once for ten of them, and measures once', async () => {
    const { planner, reads } = counted();
    const folder = collection();
    await planner.facts(folder, 'pico', 'test');
    const all = [
      {},
      { training: { batches: { batchSize: 2 } } },
      { training: { batches: { rowPer: 'list' } } },
      { training: { epochs: 5 } },
      { training: { learningRate: 0.1 } },
      { encoder: { model: 'pico', passageMaxLength: 32 } },
      { encoder: { model: 'pico', queryMaxLength: 16 } },
      { seeds: [1, 2] },
      { arms: [{ name: 'a', source: 'lists', loss: 'infonce(temperature=0.1)' }] },
      { corpus: { folder, dev: { share: 0.1 } } },
    ];
    for (const changes of all) expect((await plan(planner, folder, changes)).isTimed).toBe(true);
    expect(reads.corpus).toBe(1);
    expect(reads.models).toEqual(['pico']);
    expect((await place.store.keys('stages')).length).toBe(1);
  });

  it('says how many steps there are, and what a budget leaves of them', async () => {
    const { planner } = counted();
    const folder = collection();
    const planned = await plan(planner, folder, {}, { steps: 3 });
    const { queries, pairs, steps, within } = planned;
    expect(queries).toBeGreaterThan(5);
    expect(pairs).toBeGreaterThan(queries);
    expect(steps).toBe(2 * Math.floor(pairs / 4));
    // 12 rows for fewer than 12 queries: each has one before any has two.
    expect(within).toMatchObject({ steps: 3, training: { maxSteps: 3, batches: { evenRows: true } } });
    expect(planned.facts).toMatchObject({ passages: 60, train: { queries: 12 }, test: { queries: 4 } });
  });

  it('tells steps before times, and measures nothing while something computes', async () => {
    const { planner } = counted();
    const folder = collection();
    const recipe = readRecipe(document(folder));
    const busy = await planner.plan(recipe, { budget: 'full', measures: false });
    expect(busy).toMatchObject({ isTimed: false });
    expect(busy.steps).toBeGreaterThan(0);
    const told: PlannedTraining[] = [];
    const onCounted = (counts: PlannedTraining): void => void told.push(counts);
    const planned = await planner.plan(recipe, { budget: 'full', measures: true, onCounted });
    expect(told.map(({ isTimed }) => isTimed)).toEqual([false]);
    expect(planned).toMatchObject({ isTimed: true, steps: busy.steps });
  });

  it('ends where it was told to', async () => {
    const { planner } = counted();
    const stop = new AbortController();
    const planned = planner.plan(readRecipe(document(collection())), {
      ...{ budget: 'full', measures: true, signal: stop.signal },
    });
    stop.abort();
    await expect(planned).rejects.toThrow(/interrupted/);
  });

  it('downloads no model: a teacher of the hub is planned for by its name', async () => {
    const { planner, reads } = counted();
    const folder = collection();
    const texts = {
      corpus: {
        folder,
        train: null,
        dev: { heldOut: 'lists', passages: 5 },
        test: { heldOut: 'lists', passages: 10 },
      },
      generators: { extracts: { kind: 'extract' } },
      sources: { lists: { kind: 'generated', prompts: ['extract-clauses'], of: { passages: {} } } },
      arms: [{ name: 'a', source: 'lists', loss: 'kl(scope=batch)' }],
    };
    const seconds = async (model: string): Promise<number> => {
      const teacher = { from: 'encoder', model };
      const { plan: stages } = await plan(planner, folder, { ...texts, teacher });
      return stages.stages.find(({ kind }) => kind === 'teacher-vectors')?.seconds ?? 0;
    };
    const small = await seconds('sentence-transformers/all-MiniLM-L6-v2');
    expect(small).toBeGreaterThan(0);
    expect(await seconds('BAAI/bge-base-en-v1.5')).toBeGreaterThan(3 * small);
    expect([...new Set(reads.models)].sort()).toEqual(['nano', 'pico']);
  });

  it('cuts queries out of fewer passages where the teacher would take most of a budget', async () => {
    const { planner } = counted();
    const folder = writeCollection({
      documents: Object.fromEntries(
        Array.from({ length: 400 }, (_, i) => [
          `d${i}`,
          ['', `${i} ${'the water of the river falls to the sea, and rises again in the hills '.repeat(12)}`],
        ]),
      ),
      queries: { q: 'which river' },
      judgments: { test: [['q', 'd1', 1]] },
    });
    const texts = {
      corpus: { folder, train: null, dev: { heldOut: 'lists', passages: 5 } },
      generators: { extracts: { kind: 'extract' } },
      teacher: { from: 'encoder', model: 'BAAI/bge-large-en-v1.5' },
      sources: {
        lists: { kind: 'generated', prompts: ['extract-clauses'], of: { passages: { sample: 300 } } },
      },
      arms: [{ name: 'a', source: 'lists', loss: 'kl(scope=batch)' }],
    };
    const teacherOf = ({ plan: { stages } }: PlannedTraining): number =>
      stages.find(({ kind }) => kind === 'teacher-vectors')?.seconds ?? 0;
    const all = await plan(planner, folder, texts, 'full');
    expect(all.within.sample).toBeUndefined();
    // A budget that the teacher alone would need.
    const budget = teacherOf(all);
    const planned = await plan(planner, folder, texts, { seconds: budget });
    expect(planned.within.sample).toBeGreaterThanOrEqual(50);
    expect(planned.within.sample).toBeLessThan(200);
    expect(teacherOf(planned)).toBeLessThan(0.7 * budget);
  });

  it('says how many batches can be filled with queries that share no passage', async () => {
    const { planner } = counted();
    // All queries have the same passage.
    const folder = writeCollection({
      documents: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`d${i}`, ['', `text ${i}`]])),
      queries: Object.fromEntries(Array.from({ length: 20 }, (_, q) => [`q${q}`, `query ${q}`])),
      judgments: {
        train: Array.from({ length: 18 }, (_, q): [string, string, number] => [`q${q}`, `d${q % 6}`, 1]),
        test: [['q19', 'd19', 1]],
      },
    });
    const shared = { corpus: { folder, dev: null }, training: { batches: { batchSize: 8, negatives: 2 } } };
    expect((await plan(planner, folder, shared)).batches).toEqual({ filled: 0, better: 4 });
  });
});
