/** Node as a host: `retriever-studio/node`. */
import { openTransformersJs as openLibrary } from './cli/transformers-js.ts';
import type { ModelLibrary } from './encoders/model-library.ts';
import { openModelFiles, type DiskModelFiles } from './host/node/model-files.ts';

export { nodeClock } from './host/node/clock.ts';
export { openFile, openFolder, openTree } from './host/node/files.ts';
export { openModelFiles, type ModelFilesOptions } from './host/node/model-files.ts';
export { openRuntime, type NodeRuntimeOptions } from './host/node/runtime.ts';
export { FolderStore, type FolderStoreOptions } from './host/node/store.ts';
export { openTrainers, openWorkerPool } from './host/node/workers.ts';
export type { WorkerPoolOptions } from './host/worker-pool.ts';

/** Models that transformers.js runs. @param files of this machine and the hub, unless others are given */
export function openTransformersJs(files: DiskModelFiles = openModelFiles()): ModelLibrary {
  return openLibrary(files);
}
