import { InputError } from '../../core/errors.ts';
import { browserClock } from '../../host/browser/clock.ts';
import { ownFile } from '../../host/browser/download.ts';
import { openModelFiles } from '../../host/browser/model-files.ts';
import { trainingCores } from '../../host/browser/threads.ts';
import { workerPort } from '../../host/browser/worker-tasks.ts';
import { serveCalls } from '../../host/channel.ts';
import type { DemoCalls, DemoPlace, DemoSizes } from '../demo-protocol.ts';
import { measureStep } from '../demo-rate.ts';
import { DemoSearch, searchedFiles } from '../demo-search.ts';
import { demoFiles } from './demo-files.ts';

/** Milliseconds before a failed download is tried again; it doubles each time. */
const retryMs = 150;

/** Makes this worker the demo worker. It opens no runtime: all of it is plain loops. */
export function serveDemo(): void {
  let search: DemoSearch | undefined;
  const opened = (): DemoSearch => {
    if (search !== undefined) return search;
    throw new InputError('the demo corpus is not open', { remedy: 'Re-run after it has been loaded' });
  };
  serveCalls<DemoCalls>(workerPort(), {
    measureStep: async () => ({
      milliseconds: await measureStep(browserClock),
      cores: trainingCores(navigator.hardwareConcurrency),
    }),
    demoSizes: sizes,
    openDemoCorpus: async ({ base }, { tell }) => {
      search ??= await DemoSearch.open(demoFiles(new URL(base), tell, { retryMs }));
      return search.passages;
    },
    openDemoEncoder: async ({ base, model }, { tell }) => {
      const models = openModelFiles({ base: new URL(base), retryMs, report: () => undefined });
      await opened().addEncoder(await models.open(model, tell));
      return null;
    },
    searchDemo: ({ query }) => opened().search(query),
  });
}

/** The encoder's files, and of the corpus what a training reads beside what is searched before. */
const encoderFiles = ['config.json', 'tokenizer.json', 'model.safetensors'];
const trainingFiles = ['demo/teacher-vectors.safetensors'];

async function sizes({ base, model }: DemoPlace): Promise<DemoSizes> {
  const sum = (files: readonly string[]): number =>
    files.reduce((bytes, file) => bytes + (ownFile(file)?.size ?? 0), 0);
  const program = await programBytes(base);
  return {
    corpus: sum(searchedFiles.map((path) => `demo/${path}`)),
    encoder: sum(encoderFiles.map((path) => `${model}/${path}`)),
    training: program === undefined ? undefined : program + sum(trainingFiles),
  };
}

/** Of the scripts that a training loads, which the build lists. */
async function programBytes(base: string): Promise<number | undefined> {
  try {
    const response = await fetch(new URL('training-files.json', base));
    const listed: unknown = response.ok ? await response.json() : undefined;
    if (typeof listed !== 'object' || listed === null) return undefined;
    return Object.values(listed).reduce<number>(
      (sum, bytes: unknown) => sum + (typeof bytes === 'number' ? bytes : 0),
      0,
    );
  } catch {
    return undefined;
  }
}
