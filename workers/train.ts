/** A process that trains for a recipe, beside others. (The page's is page-train.ts.) */

import { nodeClock } from '../src/host/node/clock.ts';
import { openModelFiles } from '../src/host/node/model-files.ts';
import { openRuntime } from '../src/host/node/runtime.ts';
import { FolderStore } from '../src/host/node/store.ts';
import { processPort } from '../src/host/node/worker-tasks.ts';
import { serveTrainings } from '../src/pipeline/trainers.ts';

/** @param place the store's folder, and threads as those of the runtime that would train alone */
serveTrainings(processPort(), async (place) => {
  const { store, threads } = place as { store: string; threads: number };
  return {
    runtime: await openRuntime({ device: 'cpu', threads }),
    store: await FolderStore.open(store),
    // The process that runs the recipe has read the encoder.
    models: openModelFiles({ offline: true }),
    clock: nodeClock,
  };
});
