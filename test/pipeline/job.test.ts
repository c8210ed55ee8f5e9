import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import type { RecipeEvent } from '../../src/pipeline/job.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { findings, type RecipeRun, type RecipeRunOptions } from '../support/recipe-job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { oneArm, recipeCorpus, smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();
const run = (overrides: readonly string[] = [], options: RecipeRunOptions = {}): Promise<RecipeRun> =>
  place.run(withOverrides(smallRecipe(place.corpus), overrides), options);

const trainings = (labels: readonly string[]): string[] =>
  labels.filter((label) => /^(training|trial) of/.test(label));

describe('stages', () => {
  it('are computed once: the same recipe again computes nothing and finds the same', async () => {
    const first = await run();
    expect(first.stored).toEqual([]);
    expect(trainings(first.computed)).toHaveLength(6);
    expect([...first.steps.values()]).toEqual([5, 5, 5, 5, 5, 5]);
    const again = await run();
    expect(again.computed).toEqual([]);
    expect(again.steps.size).toBe(0);
    expect(findings(again.report)).toBe(findings(first.report));
    // And elsewhere: an empty store finds the same to the last digit.
    await place.emptyStore();
    expect(findings((await run()).report)).toBe(findings(first.report));
  });

  it('find the same, under the same names, where the corpus is read from its file and not held in memory', async () => {
    const dense = 'sources.mined.retrievers=[{"kind":"bm25"},{"kind":"dense"}]';
    const held = await run([dense]);
    const again = await run([dense], { mostCorpusBytesInMemory: 0 });
    expect(again.computed).toEqual([]);
    await place.emptyStore();
    const streamed = await run([dense], { mostCorpusBytesInMemory: 0 });
    expect(streamed.job.corpus.passages.heldBytes).toBeLessThan(held.job.corpus.passages.heldBytes);
    expect(findings(streamed.report)).toBe(findings(held.report));
  });

  it('are repeated from where a changed setting matters, and no earlier', async () => {
    const begun = await run();
    expect(begun.computed).toEqual(expect.arrayContaining(['candidates by bm25', 'dev queries']));
    const all = ['contrastive', 'filtered', 'listwise'];
    const seeds = [1, 2];
    const each = (make: (arm: string, seed: number) => string, arms = all): string[] =>
      arms.flatMap((arm) => seeds.map((seed) => make(arm, seed)));
    const train = (arm: string, seed: number): string => `training of ${arm}, seed ${seed}`;
    /** It compares what the first seeds find. */
    const lowered = 'passages ranked lower';
    const search = (arm: string, seed: number): string => `search with ${arm}, seed ${seed}`;
    const expectComputed = async (overrides: string[], computed: string[]): Promise<void> => {
      expect((await run(overrides)).computed.toSorted()).toEqual(computed.toSorted());
    };
    // What only concerns the tests repeats the tests,
    await expectComputed(['evaluation.alpha=0.1'], ['measures and significance tests']);
    await expectComputed(['evaluation.measures=["map"]'], ['measures and significance tests']);
    // what concerns nothing repeats nothing,
    await expectComputed(
      [
        'description=other',
        'title=Other',
        'question=Why?',
        'training.activationBytes=1000000',
        'evaluation.show.queries=3',
      ],
      [],
    );
    // a search setting the searches,
    await expectComputed(
      ['evaluation.depth=10'],
      [
        ...each(search),
        'search with bm25',
        'search with untrained',
        'measures and significance tests',
        lowered,
      ],
    );
    // an arm's setting the arm,
    await expectComputed(
      ['arms[1].training.learningRate=1e-3'],
      [
        ...each(train, ['filtered']),
        ...each(search, ['filtered']),
        'measures and significance tests',
        lowered,
      ],
    );
    // a rule the filtering and the arms that use it,
    await expectComputed(
      ['filters.strict[0]=length>=3'],
      [
        'lists of mined, strict',
        ...each(train, ['filtered']),
        ...each(search, ['filtered']),
        'measures and significance tests',
        lowered,
      ],
    );
    // a seed its own trainings,
    await expectComputed(
      ['seeds=[1,2,3]'],
      [...all.flatMap((arm) => [train(arm, 3), search(arm, 3)]), 'measures and significance tests'],
    );
    // mining everything that comes of it, but not what it searches or is chosen by.
    const mined = await run(['sources.mined.negatives=1']);
    expect(mined.computed).toContain('lists of mined');
    expect(mined.computed).not.toContain('candidates by bm25');
    expect(mined.computed).not.toContain('dev queries');
    expect(mined.computed).not.toContain('search with untrained');
    expect(trainings(mined.computed)).toHaveLength(6);
  });

  it('are shared by arms that have them in common: equal arms train once', async () => {
    const twin = { name: 'twin', source: 'mined', loss: { name: 'infonce' } };
    const { computed, report } = await run([`arms[3]=${JSON.stringify(twin)}`]);
    expect(trainings(computed)).toHaveLength(6);
    expect(computed.filter((label) => label === 'lists of mined')).toHaveLength(1);
    const [contrastive, same] = ['contrastive', 'twin'].map(
      (name) => report.results.all.systems.find((system) => system.name === name)?.metrics,
    );
    expect(same).toEqual(contrastive);
  });

  it('are shared by recipes on one store, whatever their arms are called', async () => {
    await run([
      'arms=[{"name":"one","source":"mined","loss":"infonce"}]',
      'evaluation.pairs=[]',
      'name=first',
    ]);
    const second = await run(['arms[0].name=another', 'evaluation.pairs=[]']);
    expect(trainings(second.stored)).toEqual(['training of another, seed 1', 'training of another, seed 2']);
    expect(trainings(second.computed)).toHaveLength(4);
  });

  it('follow the content of files, not their place', async () => {
    await run();
    const copy = recipeCorpus();
    expect((await run([`corpus.folder=${copy}`])).computed).toEqual([]);
    const file = join(copy, 'qrels/test.tsv');
    writeFileSync(file, readFileSync(file, 'utf8').replace('q39\tp39\t1', 'q39\tp39\t2'));
    const changed = await run([`corpus.folder=${copy}`]);
    expect(trainings(changed.computed)).toEqual([]);
    expect(changed.computed).toContain('measures and significance tests');
  });
});

describe('a grid', () => {
  it('of losses, seeds and settings is one job with one table', async () => {
    const arms = ['infonce', 'kl'].flatMap((loss) =>
      [1e-3, 1e-4].map((learningRate) => ({
        name: `${loss} ${learningRate}`,
        source: 'ready',
        loss,
        training: { learningRate },
      })),
    );
    const { computed, report } = await run([
      `arms=${JSON.stringify(arms)}`,
      'evaluation.pairs=[]',
      'teacher={"from":"stored"}',
    ]);
    expect(trainings(computed)).toHaveLength(8);
    expect(computed.filter((label) => label.startsWith('lists of'))).toEqual(['lists of ready']);
    expect(report.results.all.systems.map(({ name }) => name)).toEqual([
      'bm25',
      'untrained',
      'infonce 0.001',
      'infonce 0.0001',
      'kl 0.001',
      'kl 0.0001',
    ]);
    expect(report.results.all.comparisons).toHaveLength(8);
  });
});

describe('tuning', () => {
  it('tries the same for each arm with the first seed, and takes the best on dev for all', async () => {
    const { report, computed } = await run([
      'tuning={"learningRates":[1e-5,5e-3],"temperatures":[0.02,0.2]}',
      'arms[2].loss=margin-mse',
    ]);
    // 4 combinations for two arms, 2 for the one without a temperature; of the first seed the best is among them.
    expect(computed.filter((label) => label.startsWith('trial of'))).toHaveLength(10);
    expect(computed.filter((label) => label.startsWith('training of'))).toHaveLength(3);
    expect(report.tuning.map(({ arm, trials }) => [arm, trials.length])).toEqual([
      ['contrastive', 4],
      ['filtered', 4],
      ['listwise', 2],
    ]);
    for (const { arm, trials } of report.tuning) {
      const best = Math.max(...trials.map(({ dev }) => dev));
      expect(trials.filter(({ chosen }) => chosen).map(({ dev }) => dev)).toEqual([best]);
      const chosen = trials.find((trial) => trial.chosen);
      const trained = report.arms.find(({ name }) => name === arm);
      expect(trained?.learningRate).toBe(chosen?.learningRate);
      expect(trained?.trainings[0]?.dev?.after).toBe(best);
      if (chosen?.temperature === 0.2) expect(trained?.loss).toContain('temperature=0.2');
    }
    const again = await run([
      'tuning={"learningRates":[1e-5,5e-3],"temperatures":[0.02,0.2]}',
      'arms[2].loss=margin-mse',
    ]);
    expect(again.computed).toEqual([]);
  });
});

describe('what is trained on', () => {
  it('holds no test query and no text that is held out, whatever the files hold', async () => {
    const lists = makeLists(40);
    // The same query once more under another id, and a generated query about a passage of the dev set.
    const sneaky = [
      { ...lists[30]!, query_id: 'renamed' },
      ...lists.map((list) => ({
        ...list,
        query_id: `generated-${list.query_id}`,
        query: `tell me ${list.query}`,
      })),
    ];
    writeFileSync(join(place.corpus, 'lists.jsonl'), listFile([...lists, ...sneaky]));
    const { job, report } = await run(oneArm('ready'));
    const dev = job.graph.heldOut.dev!.queries.map(({ id }) => id);
    expect(dev).toHaveLength(6);
    const guard = report.arms[0]!.listsReport.guard;
    expect(guard.testQueries).toBe(12 + 1);
    expect(guard.devQueries).toBe(2 * 6);
    expect(report.arms[0]!.lists).toBe(28 - 6 + 40 - 6);
    const texts = new Set(dev.map((id) => lists.find((list) => list.query_id === id)!.documents[0]!.text));
    const { lists: kept } = job.graph.heldOut.guard([...lists, ...sneaky]);
    for (const { documents } of kept) expect(texts.has(documents[0]!.text)).toBe(false);
  });

  it('may come from files alone, of which dev is held out then', async () => {
    const { report } = await run([
      ...oneArm('ready'),
      'corpus.train=null',
      'sources={"ready":{"kind":"lists","corpusFile":"lists.jsonl"}}',
    ]);
    expect(report.corpus.trainQueries).toBeNull();
    // A fifth of the 40 lists; 12 are of test queries, some of them among the dev lists.
    expect(report.corpus.devQueries).toBe(8);
    expect(report.arms[0]!.lists).toBeLessThanOrEqual(28);
  });

  it('merges the lists of several sources by query', async () => {
    const merged = { kind: 'merged', of: ['mined', 'ready'] };
    const { report } = await run([`sources.both=${JSON.stringify(merged)}`, ...oneArm('both')]);
    const { lists, passages } = report.arms[0]!;
    expect(lists).toBe(22);
    // One positive, two mined negatives, two of the file; a passage of both counts once.
    expect(passages).toBeGreaterThan(22 * 3);
    expect(passages).toBeLessThanOrEqual(22 * 5);
  });
});

describe('a job', () => {
  it('plans what it then does, and measures the machine once', async () => {
    const job = await place.open(smallRecipe(place.corpus));
    const plan = await job.plan();
    expect(plan.stages.every(({ stored, seconds }) => !stored && seconds >= 0)).toBe(true);
    expect(plan.seconds).toBeGreaterThan(0);
    expect(plan.memory.bytes).toBeGreaterThan(0);
    const { computed } = await run();
    expect(computed.toSorted()).toEqual(plan.stages.map(({ label }) => label).toSorted());
    const events: string[] = [];
    const second = await place.open(smallRecipe(place.corpus), {
      onEvent: ({ stage, kind }) => events.push(`${kind} ${stage.kind}`),
    });
    const nothing = await second.plan();
    expect(nothing.stages.every(({ stored }) => stored)).toBe(true);
    expect(nothing.seconds).toBe(0);
    expect(events).toEqual([]);
    // What was planned is not planned again where it is run, also if nothing is left to compute.
    const planning = vi.spyOn(second, 'plan');
    await second.run();
    expect(planning).not.toHaveBeenCalled();
  });

  it('ends when asked, and goes on from there to the same findings', async () => {
    const whole = findings((await run()).report);
    await place.emptyStore();
    const done: string[] = [];
    for (const stopAt of [3, 9, 14]) {
      const ending = new AbortController();
      let steps = 0;
      await expect(
        run([], {
          signal: ending.signal,
          checkpointSeconds: 0,
          onEvent: ({ kind, ...event }) => {
            if (
              kind === 'training' &&
              'event' in event &&
              event.event.kind === 'step' &&
              ++steps === stopAt
            ) {
              ending.abort();
            }
            if (kind === 'stage' && 'state' in event && event.state === 'finished')
              done.push(event.stage.label);
          },
        }),
      ).rejects.toThrow(RecipeStoppedError);
      expect(steps).toBe(stopAt);
    }
    const last = await run([], { checkpointSeconds: 0 });
    expect(findings(last.report)).toBe(whole);
    // Nothing was done twice: 30 steps in all.
    expect(3 + 9 + 14 + [...last.steps.values()].reduce((sum, count) => sum + count, 0)).toBe(30);
    const all = [...done, ...last.computed];
    expect(new Set(all).size).toBe(all.length);
    // Of what was finished no checkpoint is left.
    const namespaces = await place.store.namespaces();
    expect(namespaces.filter((name) => name.startsWith('training-'))).toEqual([]);
  });

  it('that crashes at random moments goes on to the same findings and does next to nothing twice', async () => {
    const whole = findings((await run()).report);
    await place.emptyStore();
    const random = new RandomStream(7, 'recipe crashes');
    const finished: string[] = [];
    let steps = 0;
    let crashes = 0;
    let last: RecipeRun | undefined;
    while (last === undefined) {
      // An event of some 150 in all; later runs have fewer.
      let left = crashes < 6 ? 1 + random.integer(40) : Infinity;
      const onEvent = (event: RecipeEvent): void => {
        if (event.kind === 'stage' && event.state === 'finished') finished.push(event.stage.label);
        if (event.kind === 'training' && event.event.kind === 'step') steps++;
        if (--left === 0) throw new Error('crash');
      };
      last = await run([], { checkpointSeconds: 0, onEvent }).catch((error: unknown) => {
        expect(error).toMatchObject({ message: 'crash' });
        crashes++;
        return undefined;
      });
      // As a new process would find it.
      await place.reopenStore();
    }
    expect(crashes).toBe(6);
    expect(findings(last.report)).toBe(whole);
    expect(new Set(finished).size).toBe(finished.length);
    // 30 steps, and for each crash at most the one step that no checkpoint had yet.
    expect(steps).toBeGreaterThanOrEqual(30);
    expect(steps).toBeLessThanOrEqual(30 + 6);
  });

  it('says which arm it is that cannot be trained', async () => {
    await expect(run(['training.batches.batchSize=100'])).rejects.toThrow(
      /^training of contrastive, seed 1: 22 training rows cannot fill a batch of 100/,
    );
    await expect(run(['corpus.dev.share=0.001'])).rejects.toThrow(
      'corpus.dev.share: 0.001 of 28 train queries is less than one query. Set a larger share',
    );
    await expect(run(['filters.strict[0]=length>=50'])).rejects.toThrow(
      'no list is left; "length>=50" dropped',
    );
    await expect(run(['sources.ready.corpusFile=nothing.jsonl'])).rejects.toThrow('has no nothing.jsonl');
  });
});
