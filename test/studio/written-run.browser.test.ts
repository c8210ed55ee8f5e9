/** A recipe whose lists a language model writes, in the page's own workers: from text to table. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import type { PlannedStage } from '../../src/pipeline/plan.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import type { GeneratorAccess, RunEvent } from '../../src/studio/protocol.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { tinyLlama } from '../support/gguf.ts';
import { droppedCorpus, droppedModel, openClient, smallRecipe } from './small-run.ts';

const file = new File([tinyLlama({ seed: 1, contextTokens: 4096 })], 'tiny.gguf');
const access: GeneratorAccess = { writer: { file } };

async function writtenRecipe(client: TrainingClient): Promise<RecipeInput> {
  const corpus = await client.keep(droppedCorpus());
  const model = await client.keep(await droppedModel());
  return {
    ...smallRecipe(corpus.id, model.id, { maxSteps: 2 }),
    generators: { writer: { kind: 'wllama', model: 'tiny.gguf' } },
    sources: {
      written: {
        kind: 'generated',
        prompts: ['c-titles-several'],
        of: { passages: { sample: 4 } },
        count: 2,
      },
    },
    filters: { long: ['length>=1'] },
    arms: [{ name: 'written', source: 'written', filters: 'long', loss: 'infonce(scope=batch)' }],
    evaluation: { samples: 1000, depth: 20 },
  };
}

describe('a run with a language model in the tab', () => {
  it('plans, writes, filters, trains and reports; exports what was written, and replays it', async () => {
    const client = await openClient();
    const recipe = await writtenRecipe(client);
    const { plan } = await client.openRun('written', recipe);
    const [writing] = plan.stages.filter(({ kind }) => kind === 'generated');
    expect(writing).toMatchObject({ requests: 4, timeIsUnknown: true });

    const events: RunEvent[] = [];
    const outcome = await client.run('written', recipe, (event) => events.push(event), access);
    expect(outcome.state).toBe('finished');
    const kinds = new Set(events.map(({ kind }) => kind));
    expect([...kinds]).toEqual(
      expect.arrayContaining(['loading', 'reply', 'written', 'filtered', 'training']),
    );
    const replies = events.flatMap((event) => (event.kind === 'reply' ? [event] : []));
    expect(replies.at(-1)?.progress).toMatchObject({ tasks: 4 });
    const sample = replies.find(({ sample: each }) => each.error === undefined)?.sample;
    expect(sample).toMatchObject({ prompt: 'c-titles-several@1', model: 'tiny.gguf', recorded: false });
    expect(sample?.items.length).toBeGreaterThan(0);
    expect(sample?.messages.at(-1)?.content).toContain('Passage:');
    // The model is freed before the training begins.
    const order = events.map(({ kind }) => kind);
    expect(order.indexOf('training')).toBeGreaterThan(order.lastIndexOf('reply'));

    const { bytes } = await client.exportGenerations();
    const lines = new TextDecoder().decode(bytes).trim().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(4);

    // As a log it is kept for what it is, and replayed without any model.
    const log = await client.keep(new File([bytes], 'generations.jsonl'));
    expect(log.kind).toBe('generations');
    const replayed = { ...recipe, generators: { writer: { kind: 'recorded', file: log.id } as const } };
    const later: RunEvent[] = [];
    expect((await client.run('replayed', replayed, (event) => later.push(event))).state).toBe('finished');
    expect(later.some(({ kind }) => kind === 'loading')).toBe(false);
    expect(later.find((event) => event.kind === 'written')).toMatchObject({ recorded: true });
  });

  it('tells what was written and filtered where a run asks for other stages only, as where it computes them', async () => {
    const store = 'written-merged';
    const client = await openClient({ store });
    const recipe = await writtenRecipe(client);
    const written = recipe.sources.written;
    if (written === undefined) throw new Error('the recipe writes nothing');
    const loss = 'infonce(scope=batch)';
    const grid: RecipeInput = {
      ...recipe,
      sources: {
        written,
        some: { kind: 'selected', of: 'written', sample: 2 },
        both: { kind: 'merged', of: ['written', 'some'], join: false },
        searched: { kind: 'mined', of: 'written', retrievers: [{ kind: 'bm25' }], negatives: 1 },
      },
      training: { ...recipe.training, maxSteps: 1 },
      arms: [
        { name: 'merged', source: 'both', loss },
        { name: 'mined', source: 'searched', filters: 'long', loss },
        { name: 'mixed', mix: { sources: [{ source: 'some', filters: 'long' }, { source: 'both' }] }, loss },
      ],
    };
    const told = async (from: TrainingClient, access?: GeneratorAccess) => {
      const events: RunEvent[] = [];
      await from.run('written', grid, (event) => events.push(event), access);
      const of = (kind: 'written' | 'filtered') =>
        new Map(
          events.flatMap((event) =>
            event.kind === kind ? [[event.stage.label, event.report] as const] : [],
          ),
        );
      return {
        computed: events.some(({ kind }) => kind === 'training'),
        written: of('written'),
        filtered: of('filtered'),
      };
    };
    const first = await told(client, access);
    expect(first.computed).toBe(true);
    expect([...first.written.keys()]).toEqual(['lists of written, generated by writer']);
    expect([...first.filtered.keys()]).toEqual(['lists of searched, long', 'lists of some, long']);
    client.close();

    // Its trainings are stored, so that nothing of their lists is asked for.
    const later = await told(await openClient({ store }));
    expect(later).toEqual({ ...first, computed: false });
  });

  it('counts what was done before a failure as done when it goes on', async () => {
    const client = await openClient();
    const recipe = await writtenRecipe(client);
    const grid: RecipeInput = {
      ...recipe,
      sources: { ready: { kind: 'lists', corpusFile: 'lists.jsonl' }, ...recipe.sources },
      training: { ...recipe.training, maxSteps: 1 },
      arms: [{ name: 'ready', source: 'ready', loss: 'infonce' }, ...recipe.arms],
    };
    const stages: (readonly PlannedStage[])[] = [];
    const listen = (event: RunEvent): void => {
      if (event.kind === 'opened') stages.push(event.opened.plan.stages);
    };
    await expect(client.run('written', grid, listen)).rejects.toThrow('tiny.gguf');
    expect((await client.run('written', grid, listen, access)).state).toBe('finished');
    const isDone = stages.map(
      (all) => all.find(({ label }) => label === 'training of ready, seed 1')?.stored,
    );
    expect(isDone).toEqual([false, true]);
  });

  it('holds the writing while it is paused, and goes on after it', async () => {
    const client = await openClient();
    const recipe = await writtenRecipe(client);
    let paused: Promise<void> | undefined;
    let isPaused = false;
    let repliesWhilePaused = 0;
    await client.run(
      'written',
      recipe,
      (event) => {
        if (event.kind === 'resumed') isPaused = false;
        if (isPaused && event.kind === 'reply') repliesWhilePaused++;
        if (event.kind === 'paused') isPaused = true;
        if (event.kind === 'reply' && paused === undefined) {
          paused = client
            .pause('written')
            .then(() => new Promise((resolve) => setTimeout(resolve, 1500)))
            .then(() => client.resume('written'));
        }
      },
      access,
    );
    await paused;
    // The one that was under way may still come.
    expect(repliesWhilePaused).toBeLessThanOrEqual(1);
  });

  it('says what to do where the dropped file is gone, and keeps no key', async () => {
    const client = await openClient();
    const recipe = await writtenRecipe(client);
    const gone: unknown = await client.run('written', recipe).catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(InputError);
    expect(gone).toMatchObject({ remedy: expect.stringContaining('Drop it again') as string });

    const server = { kind: 'http', address: `${location.origin}/missing/v1`, model: 'm' } as const;
    const asking = { ...recipe, generators: { writer: server } };
    const refused: unknown = await client
      .run('asking', asking, undefined, { writer: { key: 'a-secret-key' } })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InputError);
    expect(JSON.stringify([refused, await client.runs()])).not.toContain('a-secret-key');
  });
});
