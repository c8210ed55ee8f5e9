import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hardNegatives } from '../../src/generation/prompts/hard-negatives.ts';
import { promptById } from '../../src/generation/prompts/index.ts';
import { logLines } from '../../src/generation/log-file.ts';
import { GenerationLog } from '../../src/generation/log.ts';
import {
  TransientGeneratorError,
  type GenerationReply,
  type GenerationRequest,
  type Generator,
} from '../../src/host/generator.ts';
import type { RecipeGenerators } from '../../src/pipeline/recipe-generators.ts';
import { modelCardOfArm } from '../../src/pipeline/model-card.ts';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import { generatedStage, type GeneratedStageParts } from '../../src/pipeline/stages/generated.ts';
import { RecipeStoppedError } from '../../src/pipeline/stage.ts';
import type { RecipeRunOptions } from '../support/recipe-job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { smallRecipe } from '../support/small-recipe.ts';

const place = recipePlace();

/** A model that does as it is told, and tells what was done with it. */
class ScriptedModel implements Generator {
  readonly description = {
    kind: 'http',
    model: 'scripted',
    recorded: false,
    constrains: true,
    parallel: 2,
  } as const;
  readonly requests: GenerationRequest[] = [];
  readonly events: string[] = [];
  answer: (request: GenerationRequest) => string;

  constructor(answer: (request: GenerationRequest) => string) {
    this.answer = answer;
  }

  load(): Promise<void> {
    this.events.push('load');
    return Promise.resolve();
  }

  async generate(request: GenerationRequest): Promise<GenerationReply> {
    this.requests.push(request);
    await Promise.resolve();
    return { text: this.answer(request), finish: 'stop', completionTokens: 7, seconds: 0.01 };
  }

  unload(): Promise<void> {
    this.events.push('unload');
    return Promise.resolve();
  }

  get opener(): RecipeGenerators {
    return { open: () => Promise.resolve(this) };
  }
}

/** A query of words of the passage that stands last in the prompt. */
function queryOf({ messages }: GenerationRequest): string {
  const passage = messages.at(-1)!.content.split('Target Passage: ').at(-1)!.split('\n')[0]!;
  return `${passage.split(' ').slice(0, 4).join(' ')} ?`;
}

const negatives = (request: GenerationRequest): string =>
  JSON.stringify({
    negatives: ['one', 'two', 'three', 'four', 'five'].map((word) => ({
      type: 'entity',
      text: `${word} ${/Query: (.*)/.exec(request.messages[1]!.content)![1]!}`,
    })),
  });

const writer = { kind: 'http', address: 'http://127.0.0.1:1/v1', model: 'scripted' };

function recipe(
  sources: Record<string, unknown>,
  source: string,
  more: Record<string, unknown> = {},
): unknown {
  return smallRecipe(place.corpus, {
    seeds: [1],
    generators: { writer },
    sources,
    arms: [{ name: 'written', source, loss: 'infonce' }],
    evaluation: { samples: 1000, depth: 20 },
    ...more,
  });
}

const queries = (sample = 24): Record<string, unknown> => ({
  queries: { kind: 'generated', prompts: ['c-questions'], of: { passages: { sample } } },
});

const run = (document: unknown, model: ScriptedModel, options: RecipeRunOptions = {}) =>
  place.run(document, { generators: model.opener, ...options });

describe('a source that a language model writes', () => {
  it('is named by what its prompts ask, not by how they are described', async () => {
    const keyOf = async (changes: Partial<typeof hardNegatives>): Promise<string> => {
      const prompts = [{ ...hardNegatives, ...changes }];
      const about = { inputs: null, needs: [], size: { lists: 1, passages: 1, positives: 1 } };
      const parts = { source: 's', role: 'r', model: 'm', recorded: null, prompts, about, seed: 0 };
      return (
        await generatedStage({
          ...parts,
          heldOut: { hash: 'h', needs: [] },
        } as unknown as GeneratedStageParts)
      ).key;
    };
    expect(await keyOf({ title: 'Other', description: 'Other words.' })).toBe(await keyOf({}));
    expect(await keyOf({ system: 'Other words.' })).not.toBe(await keyOf({}));
  });

  it('takes a prompt itself in place of the name of one', async () => {
    const model = new ScriptedModel(queryOf);
    const edited = { ...promptById('c-questions'), id: 'my-questions', system: 'You ask in rhymes.' };
    const written = { kind: 'generated', prompts: [edited], of: { passages: { sample: 12 } } };
    const { report } = await run(recipe({ queries: written }, 'queries'), model);
    expect(model.requests[0]?.messages[0]?.content).toBe('You ask in rhymes.');
    expect(report.arms[0]?.listsReport.written?.prompts[0]?.prompt).toBe('my-questions@1');
    const broken = { ...written, prompts: [{ ...edited, user: 'Ask.' }] };
    await expect(run(recipe({ queries: broken }, 'queries'), model)).rejects.toThrow(
      /sources\.queries\.prompts\[0\]:? user: does not use the slot \{\{passage\}\}/,
    );
  });

  it('leads from text to a table, is stored, and frees the model before the training', async () => {
    const model = new ScriptedModel(queryOf);
    const order: string[] = [];
    const first = await run(recipe(queries(), 'queries'), model, {
      onEvent: (event) => {
        if (event.kind === 'stage' && event.state === 'started' && event.stage.kind === 'training') {
          order.push(...model.events);
        }
      },
    });
    expect(order).toEqual(['load', 'unload']);
    expect(model.requests).toHaveLength(24);
    const [arm] = first.report.arms;
    expect(arm!.lists).toBeGreaterThan(15);
    expect(arm!.listsReport).toMatchObject({
      recorded: false,
      written: {
        model: 'scripted',
        prompts: [{ prompt: 'c-questions@1', requests: 24, unanswered: 0, rejectedReplies: 0, items: 24 }],
      },
    });
    expect(arm!.listsReport.written!.prompts[0]!.samples).toHaveLength(3);
    expect(first.report.results.all.systems.map(({ name }) => name)).toContain('written');
    const markdown = reportMarkdown(first.report);
    expect(markdown).toContain('generated by scripted (c-questions@1): 24 texts');
    expect(markdown).toMatch(/generator writer: scripted at .*127\.0\.0\.1:1/);
    expect(modelCardOfArm(first.report, arm!, { family: 'bert' }).trainingData).toMatch(
      /Texts generated by scripted\.$/,
    );

    const again = await run(recipe(queries(), 'queries'), model);
    expect(again.computed).toEqual([]);
    // A larger sample asks for what is missing alone.
    await run(recipe(queries(30), 'queries'), model);
    expect(model.requests).toHaveLength(30);
    expect(new Set(model.requests.map(({ id }) => id)).size).toBe(30);
  });

  it('samples as the source says, which makes it another source', async () => {
    const model = new ScriptedModel(queryOf);
    const source = { ...(queries(4).queries as object), sampling: { temperature: 0.1, stop: ['?'] } };
    await run(recipe(queries(4), 'queries'), model);
    await run(recipe({ queries: source }, 'queries'), model);
    expect(model.requests.map(({ sampling }) => sampling)).toEqual([
      ...Array<unknown>(4).fill({ temperature: 0.8, maxTokens: 50 }),
      ...Array<unknown>(4).fill({ temperature: 0.1, maxTokens: 50, stop: ['?'] }),
    ]);
  });

  it('is planned: requests at once, time when the model has been asked', async () => {
    const model = new ScriptedModel(queryOf);
    const open = (sample: number) =>
      place.open(recipe(queries(sample), 'queries'), { generators: model.opener });
    const written = async (sample: number) =>
      (await (await open(sample)).plan()).stages.find(({ kind }) => kind === 'generated');
    expect(await written(24)).toMatchObject({ requests: 24, timeIsUnknown: true, seconds: 0 });
    expect(model.requests).toEqual([]);
    await run(recipe(queries(), 'queries'), model);
    const known = await written(40);
    expect(known).toMatchObject({ stored: false, timeIsUnknown: false });
    expect(known!.seconds).toBeGreaterThan(0);
    // Two passages of each of 28 queries and 12 others, without those that dev holds out.
    expect(known!.requests).toBe(40);
  });

  it('goes on from its log where it was ended, and where the model gave up', async () => {
    const model = new ScriptedModel(queryOf);
    const ending = new AbortController();
    const ended = run(recipe(queries(), 'queries'), model, {
      signal: ending.signal,
      onEvent: (event) => {
        if (event.kind === 'progress' && event.stage.kind === 'generated' && event.done >= 10) ending.abort();
      },
    });
    await expect(ended).rejects.toThrow(RecipeStoppedError);
    const before = model.requests.length;
    expect(before).toBeLessThan(20);
    expect(model.events).toEqual(['load', 'unload']);
    await run(recipe(queries(), 'queries'), model);
    // What was under way when it ended is asked again, and nothing else.
    expect(model.requests.length).toBeLessThanOrEqual(24 + 2);
  });

  it('is not finished while requests have no answer', async () => {
    const model = new ScriptedModel(() => {
      throw new TransientGeneratorError('busy');
    });
    const job = run(recipe(queries(8), 'queries'), model, { retrySeconds: 0.001 });
    await expect(job).rejects.toThrow(
      /writer did not answer 8 of 8 requests: busy\..*re-run to request the rest/,
    );
    model.answer = queryOf;
    expect((await run(recipe(queries(8), 'queries'), model)).report.arms[0]!.lists).toBeGreaterThan(4);
  });

  it('says so where nothing fits', async () => {
    const model = new ScriptedModel(() => '');
    await expect(run(recipe(queries(4), 'queries'), model)).rejects.toThrow(
      /none of the replies of writer for queries yields a list \(.*\)\. Use a larger model/,
    );
  });

  it('may be negatives for train queries, and for the lists of another source', async () => {
    const model = new ScriptedModel(negatives);
    const sources = {
      mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], ranks: { last: 10 }, negatives: 2 },
      gold: { kind: 'generated', prompts: ['a-hard-negatives'], of: { train: { sample: 10 } } },
      both: { kind: 'generated', prompts: ['a-hard-negatives'], of: { source: 'mined' } },
    };
    const arms = ['gold', 'both'].map((source) => ({ name: `${source} arm`, source, loss: 'infonce' }));
    const { report } = await run(recipe(sources, 'gold', { arms }), model);
    const [gold, both] = report.arms;
    expect([gold!.lists, gold!.passages]).toEqual([10, 60]);
    expect(both!.passages / both!.lists).toBeCloseTo(1 + 2 + 5, 0);
    // Queries of the first are asked once, whatever list they stand in.
    expect(new Set(model.requests.map(({ id }) => id)).size).toBe(model.requests.length);
    expect(model.requests.length).toBe(both!.lists);
  });

  it('replays a recorded log, which every report says', async () => {
    const model = new ScriptedModel(queryOf);
    const live = await run(recipe(queries(), 'queries'), model);
    const log = await GenerationLog.open(place.store);
    writeFileSync(join(place.corpus, 'log.jsonl'), [...logLines(log.entries())].join(''));
    await place.emptyStore();
    const replay = recipe(queries(), 'queries', {
      generators: { writer: { kind: 'recorded', corpusFile: 'log.jsonl' } },
    });
    const { report } = await place.run(replay);
    expect(report.arms[0]!.listsReport.recorded).toBe(true);
    expect(report.results.all.systems).toEqual(live.report.results.all.systems);
    expect(reportMarkdown(report)).toContain('lists of queries, generated by writer: recorded generations');
  });

  it('needs a host that has language models', async () => {
    await expect(place.run(recipe(queries(), 'queries'))).rejects.toThrow(
      /generators\.writer: language models are not available here/,
    );
  });
});
