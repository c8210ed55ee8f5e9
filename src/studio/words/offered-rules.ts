/** The rules that can be chosen by a switch and a number, and why each drops something, in words. */

/** A rule that can be chosen by a switch and a number. */
export interface OfferedRule {
  /** As it is written, with its bound. */
  readonly name: string;
  /** What `T` is at first. */
  readonly initial: number;
  readonly step: number;
  readonly judges: 'passages' | 'lists';
  /** Why it drops something, after “Drops 41 of 320:”. */
  readonly because: (threshold: number) => string;
  readonly label: string;
}

const percent = (share: number): string => `${Math.round(100 * share)}%`;

export const offeredRules: readonly OfferedRule[] = [
  {
    ...{
      name: 'share<=',
      initial: 0.95,
      step: 0.01,
      judges: 'passages',
      label: "Most of the positive's score",
    },
    because: (share) => `the teacher scores it more than ${percent(share)} of the positive`,
  },
  {
    ...{
      name: 'margin>=',
      initial: 0.05,
      step: 0.01,
      judges: 'passages',
      label: 'Least margin to the positive',
    },
    because: (margin) => `the teacher scores it less than ${margin} below the positive`,
  },
  {
    ...{
      name: 'teacher-rank<=',
      initial: 1,
      step: 1,
      judges: 'lists',
      label: 'Rank of the positive by the teacher',
    },
    because: (rank) =>
      rank === 1
        ? 'the teacher scores another passage above the positive'
        : `the teacher ranks the positive below the first ${rank}`,
  },
  {
    ...{
      name: 'positive-overlap<=',
      initial: 0.8,
      step: 0.05,
      judges: 'passages',
      label: 'Words shared with the positive',
    },
    because: (share) => `it shares more than ${percent(share)} of its words with the positive`,
  },
  {
    ...{
      name: 'negative-overlap<=',
      initial: 0.8,
      step: 0.05,
      judges: 'passages',
      label: 'Words shared with another candidate',
    },
    because: (share) => `it shares more than ${percent(share)} of its words with a candidate before it`,
  },
];

/** `share<=0.95` in words; the rule itself where it is not among the offered ones. */
export function ruleSentence(rule: string): string {
  const offered = offeredRules.find(({ name }) => rule.startsWith(name));
  return offered === undefined ? rule : offered.because(Number(rule.slice(offered.name.length)));
}
