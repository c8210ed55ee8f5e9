import type { Weights } from '../encoders/types.ts';
import type { Json } from '../core/json.ts';
import type { ForceRecord } from './forces/record.ts';
import type { Moments } from './parameter-state.ts';
import { own } from '../core/own.ts';

/** The curve of a training, as checkpoints keep it. A type alias, so that it is assignable to Json. */
export type TrainingHistory = Readonly<{
  losses: readonly number[];
  evaluations: readonly {
    readonly step: number;
    readonly values: Readonly<Record<string, number>>;
  }[];
}>;

/**
 * Everything of a training but its tensors, as JSON: finite numbers only, since it must come back as it went.
 */
export type TrainingState = Readonly<{
  /** Batches done. The next one is a pure function of (seed, step). */
  step: number;
  epoch: number;
  seed: number;
  /** AdamW's own count: batches whose update was applied. */
  optimizerStep: number;
  /** SHA-256 of the configuration that trains, in a form that is equal for equal configurations. */
  recipeHash: string;
  /** Micro-batch, length buckets: what fixes the order of additions. Compared member by member on resuming. */
  plan: Readonly<Record<string, Json>>;
  /** The tokens of a micro-batch that the user chose, where memory made the plan's fewer. */
  chosenTokens?: number;
  /** Best score so far, evaluations without gain …, as early stopping keeps them. */
  earlyStopping: Json;
  /** Losses and metrics so far, as the trainer reports them. */
  history: Json;
  /** The environment that computed it (Runtime.fingerprint and the studio's version). */
  fingerprint: Readonly<Record<string, string>>;
  /** Why this training's bits may differ from an unbroken one's: earlier resumes elsewhere, a smaller micro-batch. */
  breaks: readonly string[];
}>;

export interface TrainingCheckpoint {
  readonly state: TrainingState;
  /** All weights, trained or frozen. */
  readonly weights: Weights;
  /** AdamW's moments of the trained weights. */
  readonly moments: Moments;
  /** Push and pull so far; a checkpoint of an earlier version has none. */
  readonly forces?: ForceRecord | undefined;
}

/** The environment of a resumed training. */
export type ResumeConditions = Pick<TrainingState, 'fingerprint' | 'plan' | 'recipeHash'>;

export interface ResumeReport {
  readonly bitExact: boolean;
  /** `bit-exact`, or `not bit-exact from step 120 because …`. */
  readonly message: string;
  /** For the `breaks` of checkpoints to come: the checkpoint's own, and what differs now. */
  readonly breaks: readonly string[];
}

/** Whether resuming from a checkpoint gives the bits of an uninterrupted training, and if not, why. */
export function resumeReport(saved: TrainingState, current: ResumeConditions): ResumeReport {
  const differences = [
    ...(saved.recipeHash === current.recipeHash ? [] : ['the configuration was changed']),
    ...differingMembers(saved.fingerprint, current.fingerprint),
    ...differingMembers(saved.plan, current.plan),
  ];
  const breaks = [...saved.breaks];
  if (differences.length > 0) {
    breaks.push(`not bit-exact from step ${saved.step} because ${differences.join(', ')}`);
  }
  return breaks.length === 0
    ? { bitExact: true, message: 'bit-exact', breaks }
    : { bitExact: false, message: breaks.join('; '), breaks };
}

function differingMembers(
  saved: Readonly<Record<string, Json>>,
  current: Readonly<Record<string, Json>>,
): string[] {
  const names = [...new Set([...Object.keys(saved), ...Object.keys(current)])].sort();
  return names.flatMap((name) => {
    const [before, now] = [shown(own(saved, name)), shown(own(current, name))];
    return before === now ? [] : [`${name} was ${before} and is ${now}`];
  });
}

/** Equal for equal JSON, regardless of member order. */
function shown(value: Json | undefined): string {
  if (value === undefined) return 'unknown';
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_key, member: Json) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
