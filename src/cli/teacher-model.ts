import type { ListRecord } from '../corpus/types.ts';
import { isCrossEncoder } from '../encoders/model-kind.ts';
import { libraryModelName } from '../encoders/model-library.ts';
import { StoreFencedError, type Runtime } from '../host/contract.ts';
import { openRuntime } from '../host/node/runtime.ts';
import { openTransformersJs } from '../host/node/transformers-js.ts';
import type { scoreLists } from '../mining/teacher.ts';
import { EncoderShelf } from '../recipes/encoder-shelf.ts';
import { withLastingTeacher, type TeacherModel } from '../recipes/pair-scorer.ts';
import { shownModelFiles } from './experiment.ts';
import { openStore } from './input-files.ts';
import type { CliIo } from './io.ts';
import type { ComputeOptions } from './options.ts';

/**
 * Scores every passage of the lists with a model: a cross-encoder where its config.json says so, else an encoder.
 * Its scores are kept in the store, batch by batch: what is there is not scored again.
 * @param score puts its scores into the lists, as a teacher's or a guide's
 * @throws InputError naming the file, or the device, and the remedy
 */
export async function scoreWithModel(
  lists: readonly ListRecord[],
  model: string,
  score: typeof scoreLists,
  options: ComputeOptions & { readonly store: string },
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const { files, stop } = shownModelFiles(io);
  const shelf = new EncoderShelf(files, openTransformersJs(files));
  const readTeacher = async (): Promise<TeacherModel> => {
    const folder = await files.open(libraryModelName(model) ?? model);
    return (await isCrossEncoder(folder))
      ? { kind: 'cross-encoder', ...(await shelf.anyCrossEncoder(model)) }
      : { kind: 'encoder', ...(await shelf.anyEncoder(model, {})) };
  };
  const teacher = await readTeacher().finally(stop);
  const { device, threads } = options;
  const runtime = await openRuntime({ device, ...(threads !== undefined && { threads }) });
  io.note(describe(model, teacher, runtime));
  const store = await openStore(options.store, io);
  const progress = io.progress('scoring', 0, 'pairs');
  let found = 0;
  try {
    return await withLastingTeacher(
      { runtime, shelf, store },
      teacher,
      (scorer) =>
        score(lists, scorer, {
          onProgress: (done, total) => {
            progress.setTotal(total);
            progress.update(done);
          },
        }),
      { onCounted: (counts) => (found = counts.found) },
    );
  } catch (error) {
    if (!(error instanceof StoreFencedError)) throw error;
    throw new Error(
      `${options.store}: another process scores with this model now. This one has ended; the scores that it had are kept. Give each a --store of its own to run both at a time.`,
      { cause: error },
    );
  } finally {
    progress.stop();
    if (found > 0) io.note(`${model}: ${found} pairs were scored before (${options.store})`);
    await store.close().catch(() => undefined);
    await runtime.close();
  }
}

function describe(model: string, teacher: TeacherModel, { device }: Runtime): string {
  const kind = teacher.kind === 'encoder' ? 'an encoder' : 'a cross-encoder';
  if (!('load' in teacher)) return `${model}: ${kind}, on ${device}`;
  const why =
    libraryModelName(model) === undefined ? `, for the studio has no graphs of ${teacher.architecture}` : '';
  return `${model}: ${kind} that transformers.js runs${why}, on ${device}`;
}
