import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { textKey } from '../../src/corpus/text-key.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import type { Generator } from '../../src/host/generator.ts';
import { modelCardOfArm } from '../../src/pipeline/model-card.ts';
import { openGenerator } from '../../src/pipeline/generators/index.ts';
import type { RecipeJob } from '../../src/pipeline/job.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import type { RecipeGenerators } from '../../src/pipeline/recipe-generators.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import { StageStore } from '../../src/pipeline/stage-store.ts';
import { decodeLists } from '../../src/pipeline/stored-forms.ts';
import { plotOf } from '../../src/pipeline/table/plot-of-report.ts';
import { findings, openJob, runRecipe, type RecipeRunOptions } from '../support/recipe-job.ts';
import { recipeCorpus } from '../support/small-recipe.ts';
import { staticGolden } from '../support/static-folder.ts';
import { temporaryFolder } from '../support/cli.ts';

const extracting: RecipeGenerators = {
  open: (_role, generator, openFile) => {
    const opened = openGenerator(generator, { openFile }, []);
    return opened ?? Promise.reject(new Error('no such generator'));
  },
};

interface Passage {
  readonly id: string;
  readonly text: string;
}

const words = [
  'amber',
  'birch',
  'cedar',
  'delta',
  'ember',
  'fjord',
  'grove',
  'heron',
  'inlet',
  'jetty',
  'knoll',
];

/** Texts of sentences, no two of which share all words. */
const passages: readonly Passage[] = Array.from({ length: 30 }, (_, i) => {
  const word = (k: number): string => `${words[(i * 7 + k * 3) % words.length] ?? ''}${(i * 5 + k) % 30}`;
  const sentence = (k: number): string => Array.from({ length: 6 }, (_, j) => word(k + j)).join(' ');
  return { id: `p${i}`, text: `${sentence(0)}. ${sentence(7)}. ${sentence(14)}.` };
});

/** A folder of texts alone. */
function texts(all: readonly Passage[] = passages): string {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, 'corpus.jsonl'),
    all.map(({ id, text }) => `${JSON.stringify({ _id: id, title: '', text })}\n`).join(''),
  );
  return folder;
}

const heldOut = (count: number, seed = 0): object => ({ heldOut: 'queries', passages: count, seed });

function recipe(folder: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    version: 1,
    name: 'texts',
    corpus: { folder, train: null, dev: heldOut(4), devCandidates: 3, test: heldOut(6) },
    encoder: { model: join(staticGolden, 'model2vec') },
    generators: { extracts: { kind: 'extract' } },
    sources: {
      queries: {
        kind: 'generated',
        prompts: ['extract-clauses', 'extract-keywords'],
        of: { passages: {} },
      },
    },
    training: { batches: { batchSize: 4 }, learningRate: 0.02, maxSteps: 4, evaluateEvery: 2 },
    arms: [{ name: 'trained', source: 'queries', loss: 'infonce' }],
    evaluation: { samples: 1000, depth: 20 },
    ...changes,
  };
}

const run = (document: unknown, store = new MemoryStore(), options: RecipeRunOptions = {}) =>
  runRecipe(document, noRuntime, store, { generators: extracting, ...options });

/** The lists of a stage, as the store has them. */
async function listsOf(
  store: MemoryStore,
  { key }: { readonly key: string },
): Promise<readonly ListRecord[]> {
  const stages = new StageStore(store);
  const { blobs } = (await stages.find(key))!;
  return decodeLists(await stages.readBlob(blobs[0]!));
}

/** By the text of a query, its passages. */
type Judged = ReadonlyMap<string, readonly string[]>;

/** What the first arm trains on, and what is held out of it. */
async function setsOf(
  job: RecipeJob,
  store: MemoryStore,
): Promise<{ readonly trained: readonly ListRecord[]; readonly test: Judged; readonly dev: Judged }> {
  const { arms, heldOut: held } = job.graph;
  const judged = async (set: 'test' | 'dev'): Promise<Judged> => {
    const written = held.sets[set];
    if (written === undefined) return new Map();
    const lists = await listsOf(store, written.stage);
    return new Map(lists.map(({ query, documents }) => [query, documents.map(({ id }) => id)]));
  };
  return {
    trained: await listsOf(store, arms[0]!.lists),
    test: await judged('test'),
    dev: await judged('dev'),
  };
}

/** The lists that a held-out set has leaked into: by a query's text, or by a positive. */
function leaks(
  lists: readonly ListRecord[],
  ...sets: readonly ReadonlyMap<string, readonly string[]>[]
): string[] {
  const queries = new Set(sets.flatMap((set) => [...set.keys()].map(textKey)));
  const held = new Set(sets.flatMap((set) => [...set.values()].flat()));
  return lists
    .filter(
      ({ query, documents }) =>
        queries.has(textKey(query)) || documents.some(({ id, label = 0 }) => label > 0 && held.has(id)),
    )
    .map(({ query }) => query);
}

describe('queries for held-out passages', () => {
  it('test and choose where a corpus has no judgments, and nothing of them is trained on', async () => {
    const store = new MemoryStore();
    const { job, report } = await run(recipe(texts()), store);
    const { trained, test, dev } = await setsOf(job, store);
    expect(test.size).toBeGreaterThan(12);
    expect(new Set([...test.values()].flat()).size).toBe(6);
    expect(new Set([...dev.values()].flat()).size).toBe(4);
    expect([...dev.values()].flat().filter((id) => [...test.values()].flat().includes(id))).toEqual([]);
    expect(leaks(trained, test, dev)).toEqual([]);
    expect(new Set(trained.flatMap(({ documents }) => documents.map(({ id }) => id))).size).toBe(20);
    // The whole corpus is searched, held-out passages among the others.
    expect(report.corpus).toMatchObject({
      passages: 30,
      testQueries: test.size,
      devQueries: dev.size,
      written: { test: { by: 'extract', passages: 6, passagesWithoutQuery: 0 }, dev: { passages: 4 } },
    });
    expect(report.results.all.queries).toBe(test.size);
    const planted = [
      { query_id: 'x', query: [...test.keys()][0]!, documents: [] },
      { query_id: 'y', query: 'y', documents: [{ id: [...dev.values()][0]![0]!, text: '', label: 1 }] },
    ] as unknown as ListRecord[];
    expect(leaks([...trained, ...planted], test, dev)).toHaveLength(2);
  });

  it('are kept out of lists that come from elsewhere, by query, by passage and by its text', async () => {
    const folder = texts();
    const store = new MemoryStore();
    const first = await run(recipe(folder), store);
    const { test, dev } = await setsOf(first.job, store);
    const [[testQuery, [testPassage = '']], [devQuery]] = [[...test][0]!, [...dev][0]!];
    const textOf = (id: string): string => passages.find((each) => each.id === id)!.text;
    const isHeld = (id: string): boolean => [...test.values(), ...dev.values()].flat().includes(id);
    const others = passages.filter(({ id }) => !isHeld(id));
    const list = (query: string, id: string, text: string, label = 1): object => ({
      query_id: `given-${query}-${id}`,
      query,
      documents: [
        { id, text, label },
        { id: `other-${query}`, text: `other words ${query}`, label: label === 1 ? 0 : 1 },
      ],
    });
    const lists = [
      list(testQuery.toUpperCase(), others[0]!.id, others[0]!.text),
      list(devQuery, others[0]!.id, others[0]!.text),
      list('about a held-out passage', testPassage, 'another form of it'),
      list('about its text', 'copied', `  ${textOf(testPassage)}`),
      list('with a held-out negative', testPassage, textOf(testPassage), 0),
      ...others.slice(0, 8).map(({ id, text }) => list(`clean ${id}`, id, text)),
    ];
    writeFileSync(join(folder, 'lists.jsonl'), lists.map((each) => `${JSON.stringify(each)}\n`).join(''));
    const sources = {
      ...(recipe('').sources as object),
      given: { kind: 'lists', corpusFile: 'lists.jsonl' },
    };
    const arms = [{ name: 'given', source: 'given', loss: 'infonce' }];
    const { job, report } = await run(recipe(folder, { sources, arms }), store);
    const after = await setsOf(job, store);
    expect(leaks(after.trained, test, dev)).toEqual([]);
    expect(report.arms[0]!.listsReport.guard).toMatchObject({
      testQueries: 1,
      devQueries: 1,
      heldPassages: 2,
    });
    expect(after.trained.map(({ query }) => query)).toContain('with a held-out negative');
    expect(report.exclusions.join('\n')).toContain(
      'a positive of theirs is held out for test or dev queries: 2',
    );
  });

  it('take the train queries of their passages out of training', async () => {
    const folder = recipeCorpus();
    const store = new MemoryStore();
    const { job, report } = await run(
      recipe(folder, {
        corpus: { folder, dev: null, test: heldOut(20) },
        sources: {
          ...(recipe('').sources as object),
          mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], ranks: { last: 10 }, negatives: 2 },
        },
        arms: [{ name: 'mined', source: 'mined', loss: 'infonce' }],
      }),
      store,
    );
    const { trained, test } = await setsOf(job, store);
    expect(leaks(trained, test)).toEqual([]);
    const left = job.graph.heldOut.trainQueriesOfHeldPassages;
    expect(left).toBeGreaterThan(0);
    expect(report.corpus.trainQueries).toBe(28 - left);
    expect(report.results.sharedQueries).toBeNull();
    expect(report.notes.join('\n')).toContain(`a relevant passage of theirs is held out: ${left}.`);
  });

  it('count every copy of their passage as relevant, and hold it out', async () => {
    const copies = passages.map(({ id, text }) => ({ id: `copy-${id}`, text: text.toUpperCase() }));
    const store = new MemoryStore();
    const { job, report } = await run(recipe(texts([...passages, ...copies])), store);
    const { trained, test, dev } = await setsOf(job, store);
    const twins = (id: string): string[] => [id.replace('copy-', ''), `copy-${id.replace('copy-', '')}`];
    const both = (set: Judged): Judged =>
      new Map([...set].map(([query, ids]) => [query, ids.flatMap(twins)]));
    expect(leaks(trained, both(test), both(dev))).toEqual([]);
    // Keyword search cannot tell two copies apart.
    const bm25 = report.results.all.systems.find(({ name }) => name === 'bm25');
    expect(bm25!.metrics.ndcg_cut_10!.mean).toBeGreaterThan(0.95);
  });

  it('are the same each time, other ones with another seed, and the test does not depend on dev', async () => {
    const folder = texts();
    const setsWith = async (corpus: object) => {
      const store = new MemoryStore();
      return setsOf(
        (await run(recipe(folder, { corpus: { folder, train: null, ...corpus } }), store)).job,
        store,
      );
    };
    const first = await setsWith({ dev: heldOut(4), test: heldOut(6) });
    expect(await setsWith({ dev: heldOut(4), test: heldOut(6) })).toEqual(first);
    expect((await setsWith({ dev: null, test: heldOut(6) })).test).toEqual(first.test);
    expect((await setsWith({ dev: heldOut(4), test: heldOut(6, 1) })).test).not.toEqual(first.test);
    const store = new MemoryStore();
    const { report } = await run(recipe(folder), store);
    const again = await run(recipe(folder), store);
    expect(again.computed).toEqual([]);
    expect(findings(again.report)).toBe(findings(report));
  });

  it('resume after an end in the middle of writing, with the same results', async () => {
    const folder = texts();
    const whole = await run(recipe(folder));
    const store = new MemoryStore();
    const end = new AbortController();
    let replies = 0;
    const ending = run(recipe(folder), store, {
      signal: end.signal,
      onEvent: (event) => {
        if (event.kind === 'generation' && event.event.kind === 'finished-task' && ++replies === 5)
          end.abort();
      },
    });
    await expect(ending).rejects.toThrow(RecipeStoppedError);
    const resumed = await run(recipe(folder), store);
    expect(findings(resumed.report)).toBe(findings(whole.report));
  });

  it('leave a passage untested that no query was written for, and say so', async () => {
    const refusing = (generator: Generator): Generator => ({
      description: { ...generator.description, kind: 'http', model: 'writer' },
      load: () => Promise.resolve(),
      unload: () => Promise.resolve(),
      generate: async (request) => {
        const reply = await generator.generate(request);
        const isRefused = / 0|[a-z]3 /.test(request.messages.at(-1)!.content);
        return isRefused ? { ...reply, text: 'no' } : reply;
      },
    });
    const generators: RecipeGenerators = {
      open: async (...given) => refusing(await extracting.open(...given)),
    };
    const { report } = await run(recipe(texts()), new MemoryStore(), { generators });
    const { test } = report.corpus.written!;
    expect(test!.by).toBe('model');
    expect(test!.passagesWithoutQuery).toBeGreaterThan(0);
    expect(test!.passagesWithoutQuery).toBeLessThan(6);
    expect(report.notes[0]).toContain(`For ${test!.passagesWithoutQuery} of the passages there is no query.`);
    expect(reportMarkdown(report)).toContain('test queries (on queries that a model wrote)');
  });

  it('are what the recipe own-texts trains, chooses and tests with', async () => {
    const file = join(import.meta.dirname, '../../recipes/own-texts.json');
    const small = withOverrides(JSON.parse(readFileSync(file, 'utf8')), [
      `corpus.folder=${texts()}`,
      ...['corpus.test.passages=6', 'corpus.dev.passages=4', 'corpus.devCandidates=3'],
      `encoder.model=${join(staticGolden, 'model2vec')}`,
      `teacher.model=${join(staticGolden, 'sentence-transformers')}`,
      ...['training.batches.batchSize=4', 'training.maxSteps=2', 'evaluation.samples=1000'],
    ]);
    const { report } = await run(small);
    expect(report.results.all.systems.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['bm25', 'untrained', 'contrastive', 'listwise', 'listwise + bm25']),
    );
    expect(report.corpus.written).toMatchObject({ test: { by: 'extract' }, dev: { by: 'extract' } });
  });

  it('are named in the report, the plot and the model card for what they are', async () => {
    const { report } = await run(recipe(texts()));
    const words = `${report.corpus.testQueries} test queries (on queries cut out of passages)`;
    const markdown = reportMarkdown(report);
    expect(markdown.split(words)).toHaveLength(3);
    expect(markdown).toMatch(/easier than questions that people ask/);
    expect(plotOf(report)).toContain(`(${report.corpus.testQueries} cut-out queries)`);
    const card = modelCardOfArm(report, report.arms[0]!, { family: 'static' });
    expect(card.metrics[0]!.dataset).toContain(words);
  });
});

describe('a corpus that says who made its queries', () => {
  /** The texts with test queries as its queries.jsonl has them. */
  function judgedTexts(metadata: object): string {
    const folder = texts();
    const queries = passages
      .slice(0, 6)
      .map(({ text }, i) => ({ _id: `q${i}`, text: text.slice(0, 20), metadata }));
    writeFileSync(
      join(folder, 'queries.jsonl'),
      queries.map((query) => `${JSON.stringify(query)}\n`).join(''),
    );
    mkdirSync(join(folder, 'qrels'));
    writeFileSync(join(folder, 'qrels/test.tsv'), queries.map(({ _id }, i) => `${_id}\tp${i}\t1\n`).join(''));
    return folder;
  }
  const judgedRecipe = (metadata: object): object =>
    recipe(judgedTexts(metadata), {
      corpus: { folder: judgedTexts(metadata), train: null, dev: null, test: 'test' },
    });

  it.each([
    ['model', 'on queries that a model wrote'],
    ['extract', 'on queries cut out of passages'],
  ])('has it in every table and the model card, for %s', async (by, words) => {
    const { report } = await run(judgedRecipe({ by }));
    expect(report.corpus.testQueriesBy).toBe(by);
    const named = `6 test queries (${words})`;
    expect(reportMarkdown(report).split(named)).toHaveLength(3);
    expect(modelCardOfArm(report, report.arms[0]!, { family: 'static' }).metrics[0]!.dataset).toContain(
      named,
    );
    expect(plotOf(report)).toContain(by === 'model' ? '(6 queries by a model)' : '(6 cut-out queries)');
  });

  it('is one of questions that people ask where it says nothing of that', async () => {
    const { report, job } = await run(judgedRecipe({ by: 'the author', url: 'x' }));
    expect(report.corpus).not.toHaveProperty('testQueriesBy');
    expect(reportMarkdown(report)).toContain('6 test queries');
    expect(reportMarkdown(report)).not.toContain('(on queries');
    expect((await job.testQueries()).map(({ id }) => id)).toEqual(['q0', 'q1', 'q2', 'q3', 'q4', 'q5']);
  });

  it('the queries that a report is on are also known where a stage has made them', async () => {
    const { report, job } = await run(recipe(texts()));
    const asked = await job.testQueries();
    expect(asked).toHaveLength(report.corpus.testQueries);
    expect(asked.map(({ id }) => id).sort()).toEqual([...report.results.perQuery.queries].sort());
  });
});

describe('what cannot be held out', () => {
  const faultsOf = (test: unknown, sources: object = {}): string => {
    try {
      readRecipe(
        recipe('/nowhere', { corpus: { folder: '/nowhere', train: null, dev: null, test }, ...sources }),
      );
      return '';
    } catch (error) {
      return error instanceof InputError ? error.message : String(error);
    }
  };

  it('is refused with its place in the recipe', () => {
    expect(faultsOf({ heldOut: 'querys' })).toMatch(/corpus\.test\.heldOut.*did you mean "queries"/);
    expect(faultsOf({ heldOut: 'queries', passages: 0 })).toContain('corpus.test');
    const sources = {
      ready: { kind: 'lists', corpusFile: 'lists.jsonl' },
      queries: { kind: 'generated', prompts: ['extract-clauses'], of: { passages: {} } },
      negatives: { kind: 'generated', prompts: ['a-hard-negatives'], of: { source: 'queries' } },
    };
    for (const name of ['ready', 'negatives']) {
      expect(faultsOf({ heldOut: name }, { sources })).toContain(
        `corpus.test.heldOut: "${name}" is not a generated source`,
      );
    }
    expect(faultsOf({ heldOut: 'queries' })).toBe('');
  });

  it.each([
    [
      'test',
      { test: heldOut(30), dev: null },
      /corpus\.test\.passages: 30 passages cannot be held out of 30/,
    ],
    [
      'dev',
      { test: heldOut(6), dev: heldOut(24) },
      /corpus\.dev\.passages: 24 passages cannot be held out of 24/,
    ],
  ])('is more passages than the corpus has for %s', async (_set, corpus, message) => {
    const folder = texts();
    const document = recipe(folder, { corpus: { folder, train: null, ...corpus } });
    const opening = openJob(document, noRuntime, new MemoryStore(), { generators: extracting });
    await expect(opening).rejects.toThrow(message);
  });
});
