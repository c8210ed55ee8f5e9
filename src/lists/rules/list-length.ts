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
  keeps: 'positives, and of the other passages the first ones until the list has T',
  origin: '20 in arXiv 2502.19712',
  threshold,
  prepare:
    (most) =>
    ({ positives }) =>
    (at) =>
      positives.length + at < most ? 'keep' : `drop: passage ${positives.length + at + 1} of the list`,
};
