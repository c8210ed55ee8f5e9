/** A worker of the page's training worker: trains beside others, on WASM. (Node's is train.ts.) */

import { browserClock } from '../src/host/browser/clock.ts';
import { openRuntime } from '../src/host/browser/runtime.ts';
import { IndexedDbStore } from '../src/host/browser/store.ts';
import { workerPort } from '../src/host/browser/worker-tasks.ts';
import { serveTrainings } from '../src/pipeline/trainers.ts';
import { KeptItems } from '../src/studio/worker/kept-items.ts';
import { pageModels } from '../src/studio/worker/page-models.ts';
import { PausableRuntime } from '../src/studio/worker/pausable-runtime.ts';

/** @param place what the training worker has opened itself */
serveTrainings(workerPort(), async (place) => {
  const { store: name, threads, base } = place as { store?: string; threads: number; base: string };
  // The training worker has told of what is damaged.
  const report = (): void => undefined;
  const store = await IndexedDbStore.open({ report, ...(name === undefined ? {} : { name }) });
  const { runtime } = await openRuntime({ device: 'wasm', threads });
  const pausable = new PausableRuntime(runtime);
  return {
    runtime: pausable,
    store,
    models: await pageModels(new KeptItems(store), { base: new URL(base), report }),
    clock: { now: () => browserClock.now() - pausable.pausedMilliseconds },
    hold: (isPaused) => (isPaused ? pausable.pause() : pausable.resume()),
  };
});
