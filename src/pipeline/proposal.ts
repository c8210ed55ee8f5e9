/** What to train first on data that somebody has: each choice with its reason. */
import { isBuiltIn } from '../host/built-in-models.ts';
import type { DataFacts } from './data-facts.ts';

/** What a proposal is made from. */
export interface ProposalFacts {
  readonly data: DataFacts;
  readonly hasGpu: boolean;
  /** Whether a model of the hub may be proposed; the hub itself is asked when the training starts. */
  readonly isOnline: boolean;
}

/** A choice and why. */
export type Reason = Readonly<{ choice: string; reason: string }>;

export interface Proposal {
  /** Judged queries with mined negatives, or queries that are cut out of the passages. */
  readonly lists: 'mined' | 'extracted';
  readonly encoder: string;
  readonly loss: string;
  readonly scope: string;
  readonly lossSettings: Readonly<Record<string, number>>;
  /** Undefined where the loss reads none. */
  readonly teacher: string | undefined;
  readonly learningRate: number;
  readonly batchSize: number;
  readonly negatives: number;
  readonly epochs: number;
  readonly passageMaxLength: number;
  readonly reasons: readonly Reason[];
}

/** What teaches best of what can be had for free. */
export const hubTeacher = 'sentence-transformers/all-MiniLM-L6-v2';

/** Fewer batches than this teach nothing worth waiting for. */
export const leastBatches = 4;
/** Fewer judged queries than this teach next to nothing. */
const leastTrainQueries = 50;
const fewBatches = 20;
const lengths = [64, 128, 192, 256, 384, 512] as const;
/** Texts of which more are cut lose what is said in their ends. */
const acceptedCut = 0.1;

/** The share of texts that are longer than a limit. @param tokens in ascending order */
export function shareCut(tokens: readonly number[], limit: number): number {
  const fit = tokens.findIndex((count) => count > limit);
  return fit < 0 ? 0 : 1 - fit / tokens.length;
}

/** The smallest usual limit that cuts few texts, or the largest that the encoder reads. */
export function fittingLength(tokens: readonly number[], most: number): number {
  const possible = lengths.filter((length) => length <= most);
  return possible.find((length) => shareCut(tokens, length) <= acceptedCut) ?? possible.at(-1) ?? most;
}

/** Tokens that an encoder reads at most, as far as its name tells. */
export function longestInput(encoder: string): number {
  if (encoder === 'nano') return 256;
  return isBuiltIn(encoder) || encoder.includes('/') ? 512 : Infinity;
}

export function proposeTraining({ data, hasGpu, isOnline }: ProposalFacts): Proposal {
  const { train } = data;
  const isJudged = train !== null && train.queries >= leastTrainQueries;
  const encoder = isJudged && hasGpu ? 'nano' : 'pico';
  const passageMaxLength = fittingLength(data.passageTokens, longestInput(encoder));
  const reasons: Reason[] = [
    {
      choice: `Encoder ${encoder}`,
      reason:
        encoder === 'nano'
          ? 'This computer has a GPU, so a small transformer trains in minutes.'
          : 'A static encoder trains on any computer in minutes: it needs no GPU.',
    },
  ];
  const lengthReason: Reason = {
    choice: `${passageMaxLength} tokens of each passage`,
    reason: `${percent(1 - shareCut(data.passageTokens, passageMaxLength))} of the passages are no longer.`,
  };
  if (!isJudged) {
    const teacher = isOnline ? hubTeacher : 'nano';
    return {
      ...{ lists: 'extracted', encoder, loss: 'kl', scope: 'batch', teacher, passageMaxLength },
      lossSettings: { temperature: 0.05, teacherTemperature: 0.05 },
      ...{ learningRate: 0.002, batchSize: batchFor(3 * data.passages, 64), negatives: 0, epochs: 10 },
      reasons: [
        {
          choice: 'Queries cut out of the passages',
          reason:
            train === null
              ? 'Nobody has judged queries to train on, and no language model is needed for these.'
              : `${train.queries} judged train queries are too few to learn from.`,
        },
        ...reasons,
        {
          choice: 'Listwise KL over the batch',
          reason:
            'A query that was cut out fits other passages too. A teacher says which; a contrastive loss would push them away.',
        },
        {
          choice: `Teacher ${teacher.replace(/^.*\//, '')}`,
          reason: isOnline
            ? 'It knows more than the small encoders. 91 MB come from the Hugging Face hub when the training starts.'
            : 'This computer is offline, and nano comes with the studio.',
        },
        {
          choice: 'Learning rate 0.002',
          reason: 'With it, this training was the best of five on the demo corpus.',
        },
        lengthReason,
      ],
    };
  }
  const isStatic = encoder === 'pico';
  const learningRate = isStatic ? 0.003 : 1e-4;
  const epochs = epochsFor(train.pairs);
  const batchSize = batchFor(train.queries, isStatic ? 32 : 16);
  return {
    ...{ lists: 'mined', encoder, loss: 'infonce', scope: 'batch', teacher: undefined, passageMaxLength },
    lossSettings: {},
    ...{ learningRate, batchSize, negatives: 5, epochs },
    reasons: [
      {
        choice: 'Judged queries with mined negatives',
        reason: `${count.format(train.queries)} train queries are judged; BM25 finds passages that only look relevant.`,
      },
      ...reasons,
      {
        choice: 'Contrastive loss (InfoNCE) over the batch',
        reason:
          'People judged these queries, so the relevant passages can be trusted and no teacher is needed.',
      },
      {
        choice: `Learning rate ${learningRate}`,
        reason: `${isStatic ? 'With it, a static encoder gained most on SciFact' : 'A small transformer takes small steps'}. Dev queries keep the best checkpoint, the untrained one included.`,
      },
      {
        choice: `Batch size ${batchSize}`,
        reason:
          batchSize < (isStatic ? 32 : 16)
            ? 'The train queries fill no more than a few larger batches.'
            : 'More queries in a batch are more passages to tell apart.',
      },
      lengthReason,
    ],
  };
}

const count = new Intl.NumberFormat('en');

function percent(share: number): string {
  return `${Math.floor(100 * share)}%`;
}

/** Passes over few judged pairs take little time and teach more. */
function epochsFor(pairs: number): number {
  if (pairs < 2000) return 10;
  return pairs < 10_000 ? 3 : 1;
}

/** The usual batch size, or a half of it and so on while the rows fill few batches. */
function batchFor(rows: number, usual: number): number {
  let size = usual;
  while (size > 4 && rows / size < fewBatches) size /= 2;
  return size;
}
