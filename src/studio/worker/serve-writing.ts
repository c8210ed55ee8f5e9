import type { Handlers } from '../../host/channel.ts';
import type { Generator } from '../../host/generator.ts';
import type { RecipeGenerator } from '../../pipeline/generators/index.ts';
import type { GeneratorAccess } from '../protocol.ts';
import { names } from '../writing-fragment.ts';
import { writingRunId, type WritingCalls } from '../writing-protocol.ts';
import { keepWriting, keptWriting } from './kept-writing.ts';
import { pageGenerators } from './page-generators.ts';
import type { StudioSession } from './studio-session.ts';
import type { WritingHost } from './writing.ts';

/** The answers of a training worker to what is asked of writing and candidates. */
export function writingHandlers(opened: () => Promise<StudioSession>): Handlers<WritingCalls> {
  /** What computes has the worker for itself, and is held and resumed as a run is. */
  const alone = async <T>(
    access: GeneratorAccess[string],
    signal: AbortSignal,
    task: (host: WritingHost) => Promise<T>,
  ): Promise<T> => (await opened()).besideRuns(writingRunId, { [names.writer]: access }, signal, task);
  return {
    drawPassage: async ({ itemId, seed }, { signal }) => {
      const { drawPassage } = await import('./trying.ts');
      return drawPassage(await (await opened()).items.openTree(itemId), seed, signal);
    },
    tryPassage: (ask, { signal, tell }) =>
      alone(ask.access, signal, async (host) => {
        const { tryPassage } = await import('./trying.ts');
        const generator = await openGenerator(ask.generator, ask.access, await opened());
        return tryPassage(ask, generator, host.store, tell, signal);
      }),
    writeQueries: ({ itemId, setup, access }, { signal, tell }) =>
      alone(access, signal, async (host) => {
        const { writeQueries } = await import('./writing.ts');
        await keepWriting(host.store, itemId, { setup });
        return writeQueries(itemId, setup, host, tell);
      }),
    useQueries: ({ itemId, setup }, { signal }) =>
      alone({}, signal, async (host) => {
        const { useQueries } = await import('./writing.ts');
        const { reviews } = await keptWriting(host.store, itemId);
        return useQueries(itemId, setup, reviews, host, (await opened()).items, signal);
      }),
    keptWriting: async ({ itemId }) => keptWriting((await opened()).store, itemId),
    keepWriting: async ({ itemId, changes }) => {
      await keepWriting((await opened()).store, itemId, changes);
      return null;
    },
    findCandidates: ({ choices, access }, { signal, tell }) =>
      alone(access, signal, async (host) => {
        const { findCandidates } = await import('./candidates.ts');
        return findCandidates(choices, host, tell);
      }),
    keepCandidates: ({ choices, access }, { signal, tell }) =>
      alone(access, signal, async (host) => {
        const { keepCandidates } = await import('./candidates.ts');
        return keepCandidates(choices, host, (await opened()).items, tell, signal);
      }),
  };
}

function openGenerator(
  generator: RecipeGenerator,
  access: GeneratorAccess[string],
  { items }: StudioSession,
): Promise<Generator> {
  const generators = pageGenerators(() => access);
  return generators.open(names.writer, generator, ({ file }) => items.openFile(file ?? ''));
}
