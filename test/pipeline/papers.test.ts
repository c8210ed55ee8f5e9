import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openFile, openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { RecipeJob } from '../../src/pipeline/job.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';

import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { tinyModel } from '../support/model-folder.ts';

const root = join(import.meta.dirname, '../..');
const document = (name: string): unknown =>
  JSON.parse(readFileSync(join(root, 'recipes', `${name}.json`), 'utf8')) as unknown;

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await openRuntime({ device: 'cpu', threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'studio-papers-'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const open = (name: string, ...overrides: string[]): Promise<RecipeJob> =>
  FolderStore.open(join(folder, name)).then((store) =>
    RecipeJob.open({
      recipe: readRecipe(withOverrides(document(name), overrides), `${name}.json`),
      runtime,
      store,
      models: openModelFiles({ offline: true }),
      files: { openCorpus: ({ builtIn }) => openTree(join(root, 'public', builtIn ?? '')), openFile },
      clock: nodeClock,
      version: 'test',
    }),
  );

const small = [
  `encoder.model=${tinyModel('tiny-bert')}`,
  'encoder.queryMaxLength=16',
  'encoder.passageMaxLength=32',
  'evaluation.samples=1000',
];

describe.each(['paper-a', 'paper-b', 'paper-c'])('%s', (name) => {
  it('has its text written where a generator stands in place of the recording', async () => {
    const live = '{"kind":"http","address":"http://127.0.0.1:9/v1","model":"m"}';
    const job = await open(name, `generators.writer=${live}`);
    const plan = await job.plan();
    const writing = plan.stages.filter(({ kind }) => kind === 'generated');
    expect(writing.map(({ requests }) => requests)).toEqual([48]);
  });
});

describe("paper A's open questions", () => {
  it('generators: asks the second model where nobody has recorded it', async () => {
    const plan = await (await open('paper-a-generators', ...small)).plan();
    expect(plan.stages.filter(({ kind }) => kind === 'generated').map(({ requests }) => requests)).toEqual([
      48,
    ]);
  });
});

describe.each(['paper-a-full', 'paper-b-full', 'paper-c-full'])('%s', (name) => {
  it('can be read, and asks language models for what is to be written', () => {
    const recipe = readRecipe(document(name), `${name}.json`);
    expect(recipe.name).toBe(name);
    expect(
      Object.values(recipe.sources).some((source) => source.kind === 'generated' && source.of !== undefined),
    ).toBe(true);
  });
});

it('the recipes of paper A train every arm on the same number of negatives', () => {
  const recipe = readRecipe(document('paper-a-full'));
  expect(recipe.training.batches?.negatives).toBe(5);
  expect(recipe.arms.every(({ training }) => training.batches?.negatives === undefined)).toBe(true);
});
