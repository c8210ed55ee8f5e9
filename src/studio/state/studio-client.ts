import type { TrainingClient } from '../window/training-client.ts';

/** What the page uses of the training worker's client. */
export type StudioClient = Pick<
  TrainingClient,
  | 'close'
  | 'compareModels'
  | 'compute'
  | 'corpusOfLists'
  | 'endWorker'
  | 'exportGenerations'
  | 'exportModel'
  | 'extractQueries'
  | 'forgetKept'
  | 'forgetRun'
  | 'importCorpus'
  | 'keep'
  | 'kept'
  | 'keywordBaseline'
  | 'modelDownloads'
  | 'openRun'
  | 'pairLists'
  | 'pause'
  | 'previewImport'
  | 'resume'
  | 'run'
  | 'runs'
  | 'search'
  | 'searchTexts'
  | 'setPace'
  | 'takeStep'
  | 'testDevice'
  | 'watch'
>;
