import { filterRules } from './index.ts';

/** What every rule keeps, as text for help. */
export function describeRules(): string {
  const rows = filterRules.map(({ name, bound, keeps, origin }) => [
    `${name}${bound}T`,
    `${keeps}${origin === undefined ? '' : `; ${origin}`}`,
  ]);
  const width = Math.max(...rows.map(([rule = '']) => rule.length));
  return [
    'Rules, applied in order. Each states what is kept; a positive is dropped only together with its list:',
    ...rows.map(([rule = '', keeps = '']) => `  ${rule.padEnd(width)}  ${keeps}`),
    'Append @SOURCE to apply a passage rule to one source only, or "rank" to one retriever.',
  ].join('\n');
}
