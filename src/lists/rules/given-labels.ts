import type { ListRuleDefinition, PassageRuleDefinition } from './contract.ts';

type LabelField = 'model_label' | 'hand_label';

const threshold = { min: -1000, max: 1000 };

/** Takes out what was judged too relevant for a negative. */
function highestLabel(name: string, reads: LabelField, by: string): PassageRuleDefinition {
  return {
    name,
    bound: '<=',
    judges: 'passages',
    keeps: `passages that ${by} labeled T or lower`,
    reads,
    threshold,
    prepare:
      (most) =>
      ({ others }) =>
      (at) => {
        const label = others[at]?.[reads];
        if (label === undefined) return 'skip: not labeled';
        return label <= most ? 'keep' : `drop: labeled ${label}`;
      },
  };
}

/** Takes out what was judged too irrelevant for a positive; with it the list goes. */
function lowestPositiveLabel(name: string, reads: LabelField, by: string): ListRuleDefinition {
  return {
    name,
    bound: '>=',
    judges: 'lists',
    keeps: `lists with a positive that ${by} labeled T or higher`,
    reads,
    takesSource: false,
    threshold,
    prepare:
      (_, least) =>
      ({ positives }) => {
        const labels = positives.flatMap(({ [reads]: label }) => label ?? []);
        if (labels.length === 0) return 'skip: no positive is labeled';
        const best = Math.max(...labels);
        return best >= least ? 'keep' : `drop: the positive is labeled ${best}`;
      },
  };
}

const byModel = ['model-label', 'model_label', 'a language model'] as const;
const byHand = ['hand-label', 'hand_label', 'a person'] as const;

export const highestModelLabel = highestLabel(...byModel);
export const lowestModelLabel = lowestPositiveLabel(...byModel);
export const highestHandLabel = highestLabel(...byHand);
export const lowestHandLabel = lowestPositiveLabel(...byHand);
