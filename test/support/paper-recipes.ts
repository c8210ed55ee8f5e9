/** The recipes of the papers that come with the studio, opened on a runtime and in a folder for all tests of a file. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { nodeGenerators } from '../../src/cli/generators.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openFile, openTree } from '../../src/host/node/files.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { RecipeJob } from '../../src/pipeline/job.ts';
import { withOverrides } from '../../src/pipeline/overrides.ts';
import { readRecipe } from '../../src/pipeline/read-recipe.ts';
import { tinyModel } from './model-folder.ts';

const root = join(import.meta.dirname, '../..');
export const document = (name: string): unknown =>
  JSON.parse(readFileSync(join(root, 'recipes', `${name}.json`), 'utf8')) as unknown;

/** Opens a recipe by its name, with overrides. */
export function paperRecipes(): (name: string, ...overrides: string[]) => Promise<RecipeJob> {
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

  return (name, ...overrides) =>
    FolderStore.open(join(folder, name)).then((store) =>
      RecipeJob.open({
        recipe: readRecipe(withOverrides(document(name), overrides), `${name}.json`),
        runtime,
        store,
        models: openModelFiles({ offline: true }),
        files: { openCorpus: ({ builtIn }) => openTree(join(root, 'public', builtIn ?? '')), openFile },
        generators: nodeGenerators(new Map()),
        clock: nodeClock,
        version: 'test',
      }),
    );
}

/** What makes one of them small enough for a test. */
export const small = [
  `encoder.model=${tinyModel('tiny-bert')}`,
  'encoder.queryMaxLength=16',
  'encoder.passageMaxLength=32',
  'evaluation.samples=1000',
];
