import type { ListRecord } from '../corpus/types.ts';
import type { EncoderModel } from '../encoders/types.ts';
import { sha256 } from '../core/sha256.ts';
import { formatLossSpec } from '../losses/loss-spec.ts';
import type { TrainingSettings } from './settings.ts';
import type { TeacherVectors } from './teacher-vectors.ts';

export interface Recipe {
  readonly settings: TrainingSettings;
  readonly lists: readonly ListRecord[];
  /** The initial model. */
  readonly encoder: EncoderModel;
  /** Where the loss reads its vectors. */
  readonly teacher?: TeacherVectors | undefined;
}

/** Lists hashed at one time: all of them as one string may be longer than a string can be. */
const listsAtOnce = 1024;

/**
 * SHA-256, in hex, of what decides a training's numbers: settings, lists, the encoder's weights and what turns texts
 * into its tokens. When checkpoints are made, and how many activations are kept, does not.
 */
export async function recipeHash({ settings, lists, encoder, teacher }: Recipe): Promise<string> {
  const data: string[] = [];
  for (let start = 0; start < lists.length; start += listsAtOnce) {
    data.push(await sha256(JSON.stringify(lists.slice(start, start + listsAtOnce))));
  }
  if (teacher !== undefined) data.push(teacher.hash);
  return trainingHash({ ...settings, loss: formatLossSpec(settings.loss) }, data, encoder);
}

/**
 * Settings with a number for a micro-batch that is chosen by device, so that hashes do not depend on the device: the
 * one of earlier versions. What was chosen is in the plan of a checkpoint.
 */
export function withoutAuto<T extends object>(settings: T): T {
  const auto = 'tokensPerMicroBatch' in settings && settings.tokensPerMicroBatch === 'auto';
  return auto ? { ...settings, tokensPerMicroBatch: 512 } : settings;
}

/**
 * The same for a training on anything.
 * @param data the hashes of what it learns from
 */
export async function trainingHash(
  settings: object,
  data: readonly string[],
  { shape, encoding, weights, baggage }: EncoderModel,
): Promise<string> {
  const plain = {
    ...withoutAuto(settings),
    activationBytes: undefined,
    checkpointEvery: undefined,
    shape,
    encoding,
  };
  const parts = [await sha256(JSON.stringify(plain)), ...data];
  for (const [name, tensor] of weights) parts.push(name, tensor.dims.join(), await sha256(tensor.data));
  for (const [name, bytes] of baggage.files) parts.push(name, await sha256(bytes));
  return sha256(JSON.stringify(parts));
}
