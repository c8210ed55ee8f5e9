/** Node as a host: `retriever-studio/node`. */
export { nodeClock } from './clock.ts';
export { openFile, openFolder, openTree } from './files.ts';
export { openModelFiles, type ModelFilesOptions } from './model-files.ts';
export { openRuntime, type NodeRuntimeOptions } from './runtime.ts';
export { FolderStore, type FolderStoreOptions } from './store.ts';
export { openTransformersJs } from '../../cli/transformers-js.ts';
export { openWorkerPool } from './workers.ts';
export type { WorkerPoolOptions } from '../worker-pool.ts';
