import type { ListRecord } from '../corpus/types.ts';
import { CrossEncoder } from '../encoders/cross-encoder.ts';
import { isCrossEncoder } from '../encoders/model-kind.ts';
import { readCrossEncoder } from '../encoders/read-encoder.ts';
import { openRuntime } from '../host/node/runtime.ts';
import { biEncoderTeacher } from '../mining/bi-encoder-teacher.ts';
import { crossEncoderTeacher } from '../mining/cross-encoder-teacher.ts';
import type { scoreLists, Teacher } from '../mining/teacher.ts';
import { openDenseEncoder } from './dense-encoder.ts';
import { openModel } from './experiment.ts';
import type { CliIo } from './io.ts';
import type { ComputeOptions } from './options.ts';

interface OpenTeacher {
  readonly teacher: Teacher;
  /** What it counts. */
  readonly unit: string;
  close(): Promise<void>;
}

/**
 * Scores every passage of the lists with a model: a cross-encoder where its config.json says so, else an encoder.
 * @param score puts its scores into the lists, as a teacher's or a guide's
 * @throws InputError naming the file, or the device, and the remedy
 */
export async function scoreWithModel(
  lists: readonly ListRecord[],
  model: string,
  score: typeof scoreLists,
  options: ComputeOptions,
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const isPairwise = await openModel(model, io, isCrossEncoder);
  const open = isPairwise ? openCrossEncoder : openBiEncoder;
  const scorer = await open(model, options, io);
  const progress = io.progress('scoring', 0, scorer.unit);
  try {
    return await score(lists, scorer.teacher, {
      onProgress: (done, total) => {
        progress.setTotal(total);
        progress.update(done);
      },
    });
  } finally {
    progress.stop();
    await scorer.close();
  }
}

async function openBiEncoder(model: string, options: ComputeOptions, io: CliIo): Promise<OpenTeacher> {
  const encoder = await openDenseEncoder(model, options, io);
  return {
    teacher: biEncoderTeacher(encoder.embedWith(() => undefined)),
    unit: 'texts',
    close: () => encoder.close(),
  };
}

async function openCrossEncoder(
  model: string,
  { device, threads }: ComputeOptions,
  io: CliIo,
): Promise<OpenTeacher> {
  const crossEncoder = await openModel(model, io, readCrossEncoder);
  const runtime = await openRuntime({ device, ...(threads !== undefined && { threads }) });
  io.note(`${model}: a cross-encoder with ${crossEncoder.shape.layers} layers, on ${runtime.device}`);
  const scorer = await CrossEncoder.create(runtime, crossEncoder);
  return {
    teacher: crossEncoderTeacher((pairs) => scorer.score(pairs)),
    unit: 'pairs',
    close: async () => {
      await scorer.close();
      await runtime.close();
    },
  };
}
