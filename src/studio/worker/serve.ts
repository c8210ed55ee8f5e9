import { workerPort } from '../../host/browser/worker-tasks.ts';
import { serveCalls } from '../../host/channel.ts';
import { InputError } from '../../core/errors.ts';
import type { StudioEvent } from '../protocol.ts';
import type { WorkerCalls } from '../worker-calls.ts';
import { modelDownloads } from './generators/index.ts';
import { writingHandlers } from './serve-writing.ts';
import { StudioSession } from './studio-session.ts';

/** Makes this worker a training worker: it answers the page's requests. */
export function serveStudio(): void {
  let session: Promise<StudioSession> | undefined;
  const opened = (): Promise<StudioSession> =>
    session ?? Promise.reject(new InputError('the worker is not open', { remedy: 'Open it first' }));
  const warn = (text: string): void => voice.tell({ kind: 'warning', text });
  const voice = serveCalls<WorkerCalls, StudioEvent>(
    workerPort(),
    {
      open: async ({ options }) => {
        session ??= StudioSession.open(options, {
          event: (runId, event) => voice.tell({ kind: 'run', runId, event }),
          comparison: (comparisonId, event) => voice.tell({ kind: 'comparison', comparisonId, event }),
          warning: warn,
          lost: voice.lost,
        });
        return (await session).compute;
      },
      testDevice: async () => (await opened()).testDevice(),
      keep: async ({ item }, manner) => {
        try {
          return await (await opened()).items.keep(item, manner);
        } catch (error) {
          if (manner.signal.aborted) return null;
          throw error;
        }
      },
      previewImport: async (ask, { signal }) =>
        (await import('./import-items.ts')).previewImport(ask, signal),
      importCorpus: async (ask, { signal, tell }) => (await opened()).importCorpus(ask, tell, signal),
      keywordBaseline: async (ask, manner) =>
        (await import('./import-items.ts')).measureKeywords(ask, (await opened()).items, manner),
      searchTexts: async ({ itemId, query, k }, { signal }) =>
        (await import('./corpus-view.ts')).searchTexts(itemId, query, k, (await opened()).items, signal),
      corpusRows: async (ask, manner) =>
        (await import('./corpus-view.ts')).corpusRows(ask, (await opened()).items, manner),
      corpusText: async (ask, { signal }) =>
        (await import('./corpus-view.ts')).corpusText(ask, (await opened()).items, signal),
      corpusOrigins: async (ask) =>
        (await import('./corpus-view.ts')).corpusOrigins(ask, (await opened()).items),
      exportCorpus: async (ask, manner) =>
        (await import('./corpus-export.ts')).exportCorpus(ask, (await opened()).items, manner),
      lookAtDataset: async (ask, { signal }) =>
        (await import('./benchmark-import.ts')).lookAtDataset(ask, { signal, report: warn }),
      importDataset: async (ask, { signal, tell }) => {
        const { items } = await opened();
        return (await import('./benchmark-import.ts')).importDataset(ask, {
          items,
          signal,
          tell,
          report: warn,
        });
      },
      extractQueries: async (ask, { signal }) =>
        (await import('./texts-only.ts')).extractQueries(ask, (await opened()).items, signal),
      pairLists: async (ask, { signal }) =>
        (await import('./dropped-lists.ts')).pairLists(ask, (await opened()).items, signal),
      corpusOfLists: async (ask, { signal }) =>
        (await import('./dropped-lists.ts')).corpusOfLists(ask, (await opened()).items, signal),
      kept: async () => (await opened()).items.listAll(),
      forgetKept: async ({ itemId }) => {
        await (await opened()).items.forget(itemId);
        return null;
      },
      runs: async () => (await opened()).runs.list(),
      forgetRun: async ({ runId }) => {
        await (await opened()).runs.forget(runId);
        return null;
      },
      dataFacts: async (ask) => (await (await opened()).planning()).facts(ask),
      planTraining: async (ask, { signal, tell }) =>
        (await (await opened()).planning()).plan(ask, tell, signal),
      openRun: async (ask, { signal }) => (await opened()).openRun(ask, signal),
      modelDownloads: ({ recipe }) => modelDownloads(recipe),
      run: async (ask, { signal }) => (await opened()).run(ask, signal),
      compareModels: async (ask, { signal }) => (await opened()).compareModels(ask, signal),
      pause: async (ask) => {
        await (await opened()).pause(ask);
        return null;
      },
      resume: async (ask) => {
        (await opened()).resume(ask);
        return null;
      },
      watch: async (ask) => {
        await (await opened()).watch(ask);
        return null;
      },
      setPace: async (ask) => {
        (await opened()).setPace(ask);
        return null;
      },
      takeStep: async (ask) => {
        (await opened()).takeStep(ask);
        return null;
      },
      search: async (ask) => (await opened()).search(ask),
      testQueries: async (ask) => (await opened()).testQueries(ask),
      exportModel: async (ask, { transfer }) => {
        const model = await (await opened()).exportModel(ask);
        transfer.push(model.zip.buffer);
        return model;
      },
      exportGenerations: async (_, { transfer }) => {
        const file = await (await opened()).exportGenerations();
        transfer.push(file.bytes.buffer);
        return file;
      },
      ...writingHandlers(opened),
    },
    heartbeat,
  );
}

/** Milliseconds. */
const heartbeat = 5000;
