/** Node as a host: `retriever-studio/node`. */
export { nodeClock } from './host/node/clock.ts';
export { openFile, openFolder, openTree } from './host/node/files.ts';
export { openModelFiles, type ModelFilesOptions } from './host/node/model-files.ts';
export { openRuntime, type NodeRuntimeOptions } from './host/node/runtime.ts';
export { FolderStore, type FolderStoreOptions } from './host/node/store.ts';
export { openTransformersJs } from './cli/transformers-js.ts';
export { openWorkerPool } from './host/node/workers.ts';
export type { WorkerPoolOptions } from './host/worker-pool.ts';
