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
import type { Budget } from '../pipeline/budget.ts';
import type { PlannedTraining } from '../pipeline/planner.ts';
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
  | { readonly kind: 'kept-file'; readonly id: string }
  /** Queries are cut out of the passages. */
  | { readonly kind: 'extracted' };

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
  /** Losses that are trained beside it, with their defaults, on the same lists from the same seeds. */
  readonly beside: readonly string[];
  /** Learning rates of which dev chooses one for each loss; none where there is nothing to choose. */
  readonly rates: readonly number[];
  /** Empty for queries that are cut out of held-out passages. */
  readonly testSplit: string;
  readonly training: RecipeTraining;
  readonly encoding: EncodingOverrides;
  /** The first of them. */
  readonly seed: number;
  readonly seedCount: number;
  /** What the training may take. */
  readonly budget: Budget;
}

export const defaultChoices: Omit<OwnChoices, 'corpus'> = {
  encoder: 'nano',
  lists: { kind: 'mined' },
  teacher: 'lists',
  loss: 'infonce',
  scope: 'batch',
  lossSettings: {},
  beside: [],
  rates: [],
  testSplit: 'test',
  training: { batches: { batchSize: 16, negatives: 5 }, epochs: 1, learningRate: learningRateFor('nano') },
  encoding: { queryMaxLength: 64, passageMaxLength: 192 },
  seed: 1,
  seedCount: 1,
  budget: { seconds: 300 },
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
    missing.push('There is no corpus yet. Drop files with texts, or choose a kept one.');
  } else {
    if (testSplit === '' ? lists.kind !== 'extracted' : !corpus.splits.includes(testSplit)) {
      missing.push(
        corpus.splits.length === 0
          ? `${corpus.name} has no judged queries to report on. Choose queries that are cut out of its passages, or write some.`
          : `${corpus.name} has no judgments for the split ${testSplit || 'of the report'}. Choose another split to report on.`,
      );
    }
    if (lists.kind === 'mined' && !corpus.splits.includes('train')) {
      missing.push(
        `${corpus.name} has no judged queries to train on (qrels/train.tsv). Choose queries that are cut out of its passages or ready training lists, or write some.`,
      );
    }
    if (lists.kind === 'mined' && testSplit === 'train') {
      missing.push(
        'The split that is reported on must not be trained on. Choose another, or ready training lists.',
      );
    }
  }
  if (!isModelName(encoder))
    missing.push(
      'No encoder is named. Choose nano, pico or a kept folder, or enter ORG/NAME of the Hugging Face hub.',
    );
  if (definition.needs.includes('teacher')) {
    if (teacher === 'lists' && (lists.kind === 'mined' || lists.kind === 'extracted')) {
      missing.push(
        `${definition.title} learns from a teacher's scores, and these lists have none. Choose a teacher model.`,
      );
    } else if (teacher === 'lists' && choices.scope === 'batch') {
      missing.push(
        `${definition.title} over the batch compares every query with every passage, which the scores of lists do not cover. Choose a teacher model.`,
      );
    } else if (teacher !== 'lists' && !isModelName(teacher)) {
      missing.push(
        'No teacher is named. Choose nano, pico or a kept folder, or enter ORG/NAME of the Hugging Face hub.',
      );
    }
  }
  for (const beside of choices.beside) {
    const { title, needs } = lossByName(beside);
    if (
      needs.includes('teacher') &&
      teacher === 'lists' &&
      lists.kind !== 'corpus-file' &&
      lists.kind !== 'kept-file'
    )
      missing.push(`${title} beside it needs a teacher. Choose a teacher model, or train without it.`);
  }
  if (choices.rates.length > 1 && corpus !== undefined && devOf(choices, corpus) === null)
    missing.push('Nothing chooses among the learning rates. Use one, or a corpus with a dev or train split.');
  return [...missing, ...wrongNumbers(choices)];
}

/** Whether written queries would supply what is missing. */
export function wantsQueries({ corpus, lists, testSplit }: OwnChoices): boolean {
  if (corpus === undefined) return false;
  const hasTest = testSplit === '' ? lists.kind === 'extracted' : corpus.splits.includes(testSplit);
  return !hasTest || (lists.kind === 'mined' && !corpus.splits.includes('train'));
}

function wrongNumbers(choices: OwnChoices): readonly string[] {
  const wrong = [
    ...wrongSettings(trainingSettingTable, choices.training),
    ...wrongSettings(encodingSettingTable, choices.encoding),
  ];
  if (!isInRange(choices.seed, settingRanges.seed))
    wrong.push(`Seed: use ${describeRange(settingRanges.seed)}.`);
  if (!isInRange(choices.seedCount, mostSeeds)) wrong.push(`Repeats: use ${describeRange(mostSeeds)}.`);
  if (!choices.rates.every((rate) => isInRange(rate, settingRanges.learningRate)))
    wrong.push(`Learning rates to choose from: use ${describeRange(settingRanges.learningRate)} for each.`);
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

const mostSeeds = { whole: true, min: 1, max: 20 } as const;

/**
 * The recipe of complete choices (see {@link missingFor}).
 * @param within what the budget leaves of it
 */
export function ownRecipe(
  choices: OwnChoices & { readonly corpus: KeptItem },
  { training: within = {}, sample = mostExtracted }: Partial<PlannedTraining['within']> = {},
): RecipeInput {
  const { corpus, encoder, testSplit, training, encoding, seed, seedCount, rates } = choices;
  const definition = lossByName(choices.loss);
  const others = choices.beside
    .map((name) => lossByName(name))
    .filter(({ name }) => name !== definition.name);
  const trained = [definition, ...others];
  const readsTeacher = trained.some(({ needs }) => needs.includes('teacher'));
  const isExtracted = choices.lists.kind === 'extracted';
  return {
    version: 1,
    name: recipeName(corpus.name),
    seeds: Array.from({ length: seedCount }, (_, i) => seed + i),
    corpus: {
      folder: corpus.id,
      train: hasTrain(choices, corpus) ? 'train' : null,
      dev: devOf(choices, corpus),
      test: testSplit === '' ? { heldOut: 'lists', passages: heldOutPassages(corpus).test } : testSplit,
    },
    encoder: { model: encoder, ...encoding },
    ...(isExtracted && { generators: { extracts: { kind: 'extract' } } }),
    sources: { lists: sourceOf(choices, trained, sample) },
    ...(readsTeacher && choices.teacher !== 'lists'
      ? {
          teacher: {
            ...{ from: 'encoder', model: choices.teacher },
            ...(isExtracted && { passageMaxLength: taughtTokens }),
          },
        }
      : {}),
    training: { ...training, ...within, batches: { ...training.batches, ...within.batches } },
    ...(rates.length > 1 && { tuning: { learningRates: [...rates] } }),
    arms: [
      ...others.map((each) => ({
        name: each.name === 'infonce' ? 'contrastive' : each.name,
        source: 'lists',
        loss: formatLossSpec({ terms: [lossTerm({ loss: each.name, scope: scopeBeside(each, choices) })] }),
      })),
      { name: definition.name, source: 'lists', loss: lossText(choices) },
    ],
    evaluation: { baselines: ['bm25', 'untrained'] },
  };
}

/** Over the batch, as the loss that it is compared with, where it can be. */
function scopeBeside({ scopes }: LossDefinition, { scope }: OwnChoices): string {
  return scopes.find((each) => each === scope) ?? scopes[0] ?? 'own';
}

function hasTrain({ lists, testSplit }: OwnChoices, { splits }: KeptItem): boolean {
  return lists.kind !== 'extracted' && splits.includes('train') && testSplit !== 'train';
}

/** Of a corpus without queries: passages whose queries test, and choose, about a tenth and half of it. */
function heldOutPassages({ counts }: KeptItem): { readonly test: number; readonly dev: number } {
  const test = Math.max(2, Math.min(mostHeldOut, Math.floor((counts?.passages ?? mostHeldOut) / 10)));
  return { test, dev: Math.max(1, Math.floor(test / 2)) };
}

const mostHeldOut = 200;
/** Passages that queries are cut out of: more of them take a teacher long. */
const mostExtracted = 600;
/** Tokens that a teacher reads of them. */
const taughtTokens = 128;

/** @throws InputError for a setting out of its range */
function lossText({ loss, scope, lossSettings }: OwnChoices): string {
  return formatLossSpec({ terms: [lossTerm({ loss, scope, settings: lossSettings })] });
}

function sourceOf(
  { lists, training, corpus }: OwnChoices,
  trained: readonly LossDefinition[],
  mostSampled: number,
): RecipeInput['sources'][string] {
  switch (lists.kind) {
    case 'corpus-file':
      return { kind: 'lists', corpusFile: lists.path };
    case 'kept-file':
      return { kind: 'lists', file: lists.id };
    case 'extracted': {
      const sample = Math.min(mostSampled, corpus?.counts?.passages ?? mostSampled);
      return {
        kind: 'generated',
        prompts: ['extract-clauses', 'extract-keywords'],
        of: { passages: { sample } },
      };
    }
    case 'mined': {
      const isGraded = trained.some(({ needs }) => needs.includes('labels') || needs.includes('teacher'));
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

/**
 * What chooses the checkpoint: the corpus's own dev split, a tenth of its train queries, or queries that are cut out of
 * held-out passages.
 */
function devOf(choices: OwnChoices, corpus: KeptItem): NonNullable<RecipeInput['corpus']['dev']> | null {
  const { lists, testSplit } = choices;
  const own = ['dev', 'validation', 'val'].find(
    (split) => corpus.splits.includes(split) && split !== testSplit,
  );
  if (own !== undefined) return { split: own };
  if (lists.kind === 'extracted') return { heldOut: 'lists', passages: heldOutPassages(corpus).dev };
  return hasTrain(choices, corpus) ? { share: 0.1 } : null;
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
