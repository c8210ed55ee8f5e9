/** From the choices of the screen "Own data" to a recipe, and what is still missing for one. */
import { builtInModels } from '../host/built-in-models.ts';
import type { LossDefinition } from '../losses/contract.ts';
import { lossByName } from '../losses/index.ts';
import { formatLossSpec, lossTerm } from '../losses/loss-spec.ts';
import { encodingSettingTable } from '../encoders/encoding-setting-table.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import { InputError } from '../core/errors.ts';
import { wrongSettings } from '../core/setting.ts';
import { describeRange, isInRange, settingRanges } from '../core/setting-ranges.ts';
import type { Plan } from '../pipeline/plan.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import type { RecipeTraining } from '../pipeline/schema/training.ts';
import { trainingSettingTable } from '../training/setting-table.ts';
import type { KeptItem } from './protocol.ts';

/** Where the lists that are trained on come from. */
export type ListsChoice =
  /** Negatives are looked up by keyword search among the passages of the corpus. */
  | { readonly kind: 'mined' }
  /** A file of the corpus folder. */
  | { readonly kind: 'corpus-file'; readonly path: string }
  /** A kept file of lists. */
  | { readonly kind: 'kept-file'; readonly id: string };

export interface OwnChoices {
  readonly corpus: KeptItem | undefined;
  /** nano, a hub id or the id of a kept folder. */
  readonly encoder: string;
  readonly lists: ListsChoice;
  /** Whose scores a loss with a teacher reads: an encoder as above, or `lists` for those that the lists carry. */
  readonly teacher: string;
  readonly loss: string;
  readonly scope: string;
  /** Those that differ from the loss's defaults. */
  readonly lossSettings: Readonly<Record<string, number>>;
  /** Whether a contrastive training runs beside it, on the same lists from the same seed. */
  readonly compare: boolean;
  readonly testSplit: string;
  readonly training: RecipeTraining;
  readonly encoding: EncodingOverrides;
  readonly seed: number;
}

export const defaultChoices: Omit<OwnChoices, 'corpus'> = {
  encoder: 'nano',
  lists: { kind: 'mined' },
  teacher: 'lists',
  loss: 'infonce',
  scope: 'batch',
  lossSettings: {},
  compare: false,
  testSplit: 'test',
  training: { batches: { batchSize: 16, negatives: 5 }, epochs: 1, learningRate: learningRateFor('nano') },
  encoding: { queryMaxLength: 64, passageMaxLength: 192 },
  seed: 1,
};

/** What a loss reads of the training data, for people. */
export function needsOf({ needs }: LossDefinition): string {
  const said = {
    positive: 'a relevant passage for each query',
    labels: 'a grade for each passage (a judged passage counts with its grade, another as 0)',
    teacher: 'scores of a teacher model for each passage',
  } as const;
  return needs.map((need) => said[need]).join(', and ');
}

/** A hub's `ORG/NAME`, perhaps with a revision. */
const hubId = /^[\w.-]+\/[\w.-]+(@[\w./-]+)?$/;

/** Whether a text may name a model of the hub. */
export function isHubId(name: string): boolean {
  return hubId.test(name);
}

/** What keeps the choices from being trained, each a sentence with what to do. */
export function missingFor(choices: OwnChoices): readonly string[] {
  const { corpus, lists, teacher, encoder, testSplit } = choices;
  const definition = lossByName(choices.loss);
  const missing: string[] = [];
  if (corpus === undefined) {
    missing.push('There is no corpus yet: drop files with texts, or choose a kept one.');
  } else if (corpus.splits.length === 0) {
    missing.push(
      `${corpus.name} has texts and no judged queries: make queries from its texts, or import it together with queries and judgments.`,
    );
  } else {
    if (!corpus.splits.includes(testSplit)) {
      missing.push(
        `${corpus.name} has no judgments qrels/${testSplit}.tsv: choose another split to report on, or add the file.`,
      );
    }
    if (lists.kind === 'mined' && !corpus.splits.includes('train')) {
      missing.push(
        `${corpus.name} has no judgments qrels/train.tsv to train on: add the file, or choose ready training lists.`,
      );
    }
    if (lists.kind === 'mined' && testSplit === 'train') {
      missing.push(
        'The split that is reported on must not be trained on: choose another, or ready training lists.',
      );
    }
  }
  if (!isModelName(encoder))
    missing.push('Name the encoder: nano, pico, a kept folder, or ORG/NAME of the Hugging Face hub.');
  if (definition.needs.includes('teacher')) {
    if (teacher === 'lists' && lists.kind === 'mined') {
      missing.push(
        `${definition.title} learns from a teacher's scores, and looked-up lists carry none: choose a teacher model.`,
      );
    } else if (teacher === 'lists' && choices.scope === 'batch') {
      missing.push(
        `${definition.title} over the batch compares every query with every passage, which the scores of lists do not cover: choose a teacher model.`,
      );
    } else if (teacher !== 'lists' && !isModelName(teacher)) {
      missing.push('Name the teacher: nano, pico, a kept folder, or ORG/NAME of the Hugging Face hub.');
    }
  }
  return [...missing, ...wrongNumbers(choices)];
}

function wrongNumbers(choices: OwnChoices): readonly string[] {
  const wrong = [
    ...wrongSettings(trainingSettingTable, choices.training),
    ...wrongSettings(encodingSettingTable, choices.encoding),
  ];
  if (!isInRange(choices.seed, settingRanges.seed))
    wrong.push(`Seed: give ${describeRange(settingRanges.seed)}.`);
  try {
    lossText(choices);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    wrong.push(error.message);
  }
  return wrong;
}

function isModelName(name: string): boolean {
  // A kept folder's id has no slash: it was chosen from a list, not typed.
  return name !== '' && (!name.includes('/') || isHubId(name));
}

/** The recipe of complete choices (see {@link missingFor}). */
export function ownRecipe(choices: OwnChoices & { readonly corpus: KeptItem }): RecipeInput {
  const { corpus, encoder, testSplit, training, encoding } = choices;
  const definition = lossByName(choices.loss);
  const readsTeacher = definition.needs.includes('teacher');
  const hasTrain = corpus.splits.includes('train') && testSplit !== 'train';
  return {
    version: 1,
    name: recipeName(corpus.name),
    seeds: [choices.seed],
    corpus: {
      folder: corpus.id,
      train: hasTrain ? 'train' : null,
      dev: devOf(corpus, hasTrain, testSplit),
      test: testSplit,
    },
    encoder: { model: encoder, ...encoding },
    sources: { lists: sourceOf(choices, definition) },
    ...(readsTeacher && choices.teacher !== 'lists'
      ? { teacher: { from: 'encoder', model: choices.teacher } }
      : {}),
    training,
    arms: [
      ...(choices.compare && definition.name !== 'infonce'
        ? [{ name: 'contrastive', source: 'lists', loss: 'infonce' }]
        : []),
      { name: definition.name, source: 'lists', loss: lossText(choices) },
    ],
    evaluation: { baselines: ['bm25', 'untrained'] },
  };
}

/** @throws InputError for a setting out of its range */
function lossText({ loss, scope, lossSettings }: OwnChoices): string {
  return formatLossSpec({ terms: [lossTerm({ loss, scope, settings: lossSettings })] });
}

function sourceOf(
  { lists, training }: OwnChoices,
  { needs }: LossDefinition,
): RecipeInput['sources'][string] {
  switch (lists.kind) {
    case 'corpus-file':
      return { kind: 'lists', corpusFile: lists.path };
    case 'kept-file':
      return { kind: 'lists', file: lists.id };
    case 'mined': {
      const isGraded = needs.includes('labels') || needs.includes('teacher');
      return {
        kind: 'mined',
        retrievers: [{ kind: 'bm25' }],
        negatives: minedNegatives(training),
        ...(isGraded ? { lists: 'listwise', labelUnjudged: true } : {}),
      };
    }
  }
}

/** More than a row takes, so that each epoch draws others. */
function minedNegatives({ batches }: RecipeTraining): number {
  const { negatives = 'all' } = batches ?? {};
  return negatives === 'all' ? mostMined : Math.max(1, 2 * negatives);
}

/** Of a query, where a row takes all that its list has. */
const mostMined = 10;

/** What chooses the checkpoint: the corpus's own dev split, or a tenth of its train queries. */
function devOf(
  { splits }: KeptItem,
  hasTrain: boolean,
  testSplit: string,
): NonNullable<RecipeInput['corpus']['dev']> | null {
  const own = ['dev', 'validation', 'val'].find((split) => splits.includes(split) && split !== testSplit);
  if (own !== undefined) return { split: own };
  return hasTrain ? { share: 0.1 } : null;
}

/** Seconds beyond which a training is not begun before the user has seen how long it takes. */
export const longTraining = 30 * 60;

/** The same recipe, of which no training takes more steps. */
export function withMaxSteps(recipe: RecipeInput, maxSteps: number): RecipeInput {
  return { ...recipe, training: { ...recipe.training, maxSteps } };
}

/** The steps of the longest training of a plan. */
export function stepsOf({ stages }: Plan): number {
  return Math.max(0, ...stages.map(({ steps }) => steps?.count ?? 0));
}

/** About how long a plan takes whose trainings end after so many steps. */
export function secondsWithSteps({ stages, seconds }: Plan, maxSteps: number): number {
  return stages.reduce((left, { steps }) => {
    if (steps === undefined) return left;
    return left - steps.seconds * (1 - Math.min(1, maxSteps / steps.count));
  }, seconds);
}

/** About how many steps fit in {@link longTraining}; where all else takes as long, those of five minutes. */
export function stepsThatFit(plan: Plan): number {
  const perStep = plan.stages.reduce((sum, { steps }) => sum + (steps ? steps.seconds / steps.count : 0), 0);
  const left = Math.max(300, longTraining - secondsWithSteps(plan, 0));
  return Math.min(stepsOf(plan), Math.max(1, Math.floor(left / Math.max(perStep, 1e-9))));
}

/** A corpus's name as a recipe may be called. */
function recipeName(name: string): string {
  const words = name.replace(/\.zip$/i, '').replace(/[^A-Za-z0-9,._+-]+/g, ' ');
  return (
    words
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 60)
      .replace(/[^A-Za-z0-9+]+$/, '') || 'own data'
  );
}

/** A run's id: what it trains on, and when. */
export function ownRunId(corpus: KeptItem, now: Date): string {
  const slug = recipeName(corpus.name)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return `own-${slug}-${now.getTime().toString(36)}`;
}

/** A peak learning rate to start from with an encoder. */
export function learningRateFor(encoder: string): number {
  return builtInModels.find(({ name }) => name === encoder)?.learningRate ?? 1e-4;
}
