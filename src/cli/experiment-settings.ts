/** What an experiment was begun with, and whether a command asks for the same. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ListRecord } from '../corpus/types.ts';
import type { Json } from '../core/json.ts';
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import { formatLossSpec, parseLossSpec } from '../losses/loss-spec.ts';
import { trainingSettings } from '../pipeline/training-settings.ts';
import { hyperparametersOf } from '../training/hyperparameters.ts';
import type { Mix } from '../training/mixing/mix.ts';
import { trainingSettingTable } from '../training/setting-table.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { Experiment, ExperimentDescription } from './experiment.ts';

/** SHA-256 of lists, those of a mix each with its source. */
export function hashLists(
  parts: readonly { readonly lists: readonly ListRecord[]; readonly origin: string | undefined }[],
): string {
  const hash = createHash('sha256');
  for (const { lists, origin } of parts) {
    for (const list of lists) {
      hash.update(`${JSON.stringify(origin === undefined ? list : { ...list, origin })}\n`);
    }
  }
  return hash.digest('hex');
}

/** Whatever changes the numbers; where and how fast they are computed is not part of it. */
export function describeExperiment(
  options: {
    readonly dev?: string;
    readonly devShare: number;
    /** Where teacher scores or vectors come from, if not from the lists. */
    readonly teaching: Readonly<Record<string, string>>;
  },
  settings: TrainingSettings,
  from: Pick<ExperimentDescription, 'model' | 'encoding' | 'lists' | 'listsSha256' | 'devSha256'>,
): ExperimentDescription {
  return {
    ...from,
    loss: formatLossSpec(settings.loss),
    hyperparameters: {
      ...hyperparametersOf(settings),
      ...(settings.mix === undefined ? {} : mixSettings(settings.mix)),
      ...(options.dev === undefined
        ? { 'held-out share': options.devShare }
        : { 'dev lists': basename(options.dev) }),
      ...options.teaching,
    },
    finished: false,
  };
}

/** A mix as settings of an experiment: each source has one of its own, so that a change is told by its name. */
function mixSettings({ batches, sources }: Mix): Record<string, string> {
  return {
    'batches of sources': batches,
    sources: sources.map(({ name }) => name).join(', '),
    ...Object.fromEntries(
      sources.map(({ name, ...settings }) => [
        `source ${name}`,
        Object.entries(settings)
          .map(([setting, value]) => `${setting} ${String(value)}`)
          .join(', '),
      ]),
    ),
  };
}

/** An experiment goes on only with what it was begun with. @returns how it was begun, if it was */
export async function refuseOtherExperiment(
  experiment: Experiment,
  description: ExperimentDescription,
): Promise<ExperimentDescription | undefined> {
  const earlier = await experiment.description();
  if (earlier === undefined) return undefined;
  const differences = differingSettings(earlier, description);
  if (differences.length === 0) return earlier;
  throw new InputError(`the experiment was started with different settings: ${differences.join(', ')}`, {
    file: experiment.folder,
    remedy: 'Use another --experiment folder, or the settings that it was started with',
  });
}

/** Settings that earlier versions called something else. */
const renamed: ReadonlyMap<string, string> = new Map([
  ['trains', 'trainable parameters'],
  ['tokens of a micro-batch', 'tokens per micro-batch'],
  ['same passage twice in a batch', 'duplicate passages in a batch'],
  ['negatives picked', 'negative sampling'],
  ['a row per', 'rows per'],
  ['steps at most', 'maximum steps'],
  ['floor', 'final learning rate (fraction)'],
  ['gradient norm at most', 'maximum gradient norm'],
]);

function differingSettings(earlier: ExperimentDescription, now: ExperimentDescription): string[] {
  const [before, after] = [earlier, now].map(
    ({ model, loss, encoding, hyperparameters }): Record<string, Json> => ({
      // What an earlier version did not know to be a setting was as it is by default.
      ...hyperparametersOf(trainingSettings({}, parseLossSpec(loss), 0, () => 1)),
      ...{ model, loss },
      ...Object.fromEntries(
        Object.entries(hyperparameters).map(([name, value]) => [renamed.get(name) ?? name, value]),
      ),
      ...encoding,
    }),
  ) as [Record<string, Json>, Record<string, Json>];
  // Experiments begun before devices chose by themselves had this number, asked for or not.
  const { title } = trainingSettingTable.tokensPerMicroBatch;
  if (own(before, title) === 512 && own(after, title) === 'auto') before[title] = 'auto';
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const shown = (value: Json | undefined): string =>
    value === undefined ? 'not set' : JSON.stringify(value);
  const differences = [...names]
    .filter((name) => own(before, name) !== own(after, name))
    .map((name) => `${name} was ${shown(own(before, name))} and is ${shown(own(after, name))}`);
  if (earlier.listsSha256 !== now.listsSha256) differences.push('the training lists have changed');
  if (earlier.devSha256 !== now.devSha256 && before['dev lists'] === after['dev lists']) {
    differences.push('the dev lists have changed');
  }
  return differences;
}
