/** The four steps of a project, and what is said of each. */
import type { KeptItem, KeptRun } from './protocol.ts';
import { aboutSeconds } from './words/time.ts';

export const stepNames = ['data', 'write', 'train', 'results'] as const;
export type StepName = (typeof stepNames)[number];

export const stepTitles: Readonly<Record<StepName, string>> = {
  data: 'Data',
  write: 'Write and check',
  train: 'Train',
  results: 'Results',
};

/** What the steps of a project depend on. */
export interface StepFacts {
  readonly corpus: KeptItem;
  /** What keeps the choices from being trained. */
  readonly missing: readonly string[];
  /** Of the training of these choices, where it was estimated. */
  readonly seconds: number | undefined;
  /** Its trainings. */
  readonly runs: readonly KeptRun[];
  /** Whether one of them runs. */
  readonly isTraining: boolean;
}

const count = new Intl.NumberFormat('en');

/** What a corpus holds: `2,239 passages, 325 queries`. */
export function corpusText({ counts, splits }: KeptItem): string {
  if (counts === undefined) {
    return splits.length === 0 ? 'Texts, no questions yet' : `Judged: ${splits.join(', ')}`;
  }
  const passages = `${count.format(counts.passages)} ${counts.passages === 1 ? 'passage' : 'passages'}`;
  if (splits.length === 0) return `${passages}, no questions yet`;
  return `${passages}, ${count.format(counts.queries)} ${counts.queries === 1 ? 'query' : 'queries'}`;
}

/** What a project's trainings came to: `2 trainings, best 0.575`. */
export function trainingsText(runs: readonly KeptRun[], isTraining: boolean): string {
  if (runs.length === 0) return 'No training yet';
  const finished = runs.filter(({ state }) => state === 'finished');
  const best = Math.max(...finished.map(({ best: measured = -Infinity }) => measured));
  const parts = [`${runs.length} ${runs.length === 1 ? 'training' : 'trainings'}`];
  if (isTraining) parts.push('one is running');
  else if (finished.length === 0) parts.push('not finished');
  if (Number.isFinite(best)) parts.push(`best ${best.toFixed(3)}`);
  return parts.join(', ');
}

/** The state of each step, with its cost where it is known. */
export function stepStates(facts: StepFacts): Readonly<Record<StepName, string>> {
  const { corpus, missing, seconds, runs, isTraining } = facts;
  const isJudged = corpus.splits.length > 0;
  return {
    data: corpusText(corpus),
    write: isJudged ? writtenText(corpus) : 'Makes queries to train and test with',
    train: isTraining
      ? 'Running'
      : !isJudged
        ? 'Needs queries first'
        : missing.length > 0
          ? 'Choices are missing'
          : seconds === undefined
            ? 'Ready'
            : capitalizedAbout(seconds),
    results: trainingsText(runs, isTraining),
  };
}

function writtenText({ madeFrom, counts }: KeptItem): string {
  if (madeFrom === undefined) return 'Skipped: it has judgments';
  return counts === undefined ? 'Queries were made' : `${count.format(counts.queries)} queries were made`;
}

function capitalizedAbout(seconds: number): string {
  const text = aboutSeconds(seconds);
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
