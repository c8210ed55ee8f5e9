/** A place for the recipes of a test file: a runtime for all tests, and a corpus and a store for each. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Runtime } from '../../src/host/contract.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import type { RecipeJob } from '../../src/pipeline/job.ts';
import { temporaryFolder } from './cli.ts';
import { openJob, runRecipe, type RecipeRun, type RecipeRunOptions } from './recipe-job.ts';
import { recipeCorpus } from './small-recipe.ts';

export interface RecipePlace {
  readonly runtime: Runtime;
  /** The test's own {@link recipeCorpus}. */
  readonly corpus: string;
  /** Empty when the test begins. */
  readonly store: FolderStore;
  /** Goes on with a store that is empty. */
  readonly emptyStore: () => Promise<void>;
  /** Closes the store and opens it again, as a new process would find it. */
  readonly reopenStore: () => Promise<void>;
  readonly open: (document: unknown, options?: RecipeRunOptions) => Promise<RecipeJob>;
  readonly run: (document: unknown, options?: RecipeRunOptions) => Promise<RecipeRun>;
}

export function recipePlace(): RecipePlace {
  let runtime: Runtime;
  let corpus: string;
  let store: FolderStore;
  beforeAll(async () => {
    runtime = await openRuntime({ device: 'cpu', threads: 1 });
  });
  afterAll(() => runtime.close());
  beforeEach(async () => {
    corpus = recipeCorpus();
    store = await FolderStore.open(join(temporaryFolder(), 'store'));
    return () => store.close();
  });
  return {
    get runtime() {
      return runtime;
    },
    get corpus() {
      return corpus;
    },
    get store() {
      return store;
    },
    emptyStore: async () => {
      await store.close();
      store = await FolderStore.open(join(temporaryFolder(), 'store'));
    },
    reopenStore: async () => {
      await store.close();
      store = await FolderStore.open(store.folder);
    },
    open: (document, options) => openJob(document, runtime, store, options),
    run: (document, options) => runRecipe(document, runtime, store, options),
  };
}
