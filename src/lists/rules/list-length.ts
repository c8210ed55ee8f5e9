import type { ListRuleDefinition, PassageRuleDefinition } from './contract.ts';

const threshold = { min: 1, max: 1e6, isWhole: true };

export const minimumLength: ListRuleDefinition = {
  name: 'length',
  bound: '>=',
  judges: 'lists',
  keeps: 'lists with at least T passages left, positives included',
  origin: '20 in arXiv 2502.19712',
  takesSource: false,
  threshold,
  prepare:
    (_, least) =>
    ({ documents }) =>
      documents.length >= least ? 'keep' : `drop: ${documents.length} passages are left`,
};

export const maximumLength: PassageRuleDefinition = {
  name: 'length',
  bound: '<=',
  judges: 'passages',
  keeps: 'the positives, and the first other passages up to T passages in all',
  origin: '20 in arXiv 2502.19712',
  threshold,
  prepare:
    (most) =>
    ({ positives }) =>
    (at) =>
      positives.length + at < most ? 'keep' : `drop: passage ${positives.length + at + 1} of the list`,
};
