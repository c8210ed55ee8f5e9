/** A training worker's client that answers at once and computes nothing. */
import type { StudioClient } from '../../src/studio/state/studio-client.ts';
import { compute, kept, opened, runs } from '../e2e/canned-run.ts';

/** @param own what the test answers itself */
export function cannedClient(own: Partial<StudioClient>): StudioClient {
  return {
    compute,
    close: () => undefined,
    corpusOfLists: () => Promise.reject(new Error('no lists')),
    compareModels: () => new Promise(() => undefined),
    endWorker: () => undefined,
    pairLists: () => Promise.resolve({ lists: 20, passages: 40, found: 3 }),
    pause: () => Promise.resolve(),
    resume: () => Promise.resolve(),
    forgetKept: () => Promise.resolve(),
    forgetRun: () => Promise.resolve(),
    exportGenerations: () => Promise.reject(new Error('nothing was written')),
    exportModel: () => Promise.reject(new Error('no model')),
    extractQueries: () => Promise.reject(new Error('no texts')),
    searchTexts: () => Promise.resolve([]),
    corpusOrigins: () => Promise.resolve([]),
    corpusRows: () => Promise.resolve({ state: 'finished', answer: { total: 0, rows: [] } }),
    corpusText: () => Promise.reject(new Error('no text')),
    exportCorpus: () => Promise.reject(new Error('no corpus')),
    importDataset: () => Promise.reject(new Error('not imported')),
    lookAtDataset: () => Promise.reject(new Error('no hub')),
    importCorpus: () => Promise.reject(new Error('not imported')),
    keywordBaseline: () => Promise.reject(new Error('not measured')),
    previewImport: (items) => Promise.resolve({ ready: items.map((_, i) => i), preview: undefined }),
    keep: () => Promise.reject(new Error('not kept')),
    kept: () => Promise.resolve(kept),
    runs: () => Promise.resolve(runs),
    modelDownloads: () => Promise.resolve([]),
    testDevice: () => Promise.resolve({ ...compute, repeats: true }),
    watch: () => Promise.resolve(),
    setPace: () => Promise.resolve(),
    takeStep: () => Promise.resolve(),
    search: () => Promise.resolve({ queryId: undefined, found: [] }),
    openRun: (runId) => Promise.resolve({ ...opened, runId }),
    run: () => new Promise(() => undefined),
    ...own,
  };
}
