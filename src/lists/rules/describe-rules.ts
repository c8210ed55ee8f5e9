import { filterRules } from './index.ts';

/** What every rule keeps, as text for help. */
export function describeRules(): string {
  const rows = filterRules.map(({ name, bound, keeps, origin }) => [
    `${name}${bound}T`,
    `${keeps}${origin === undefined ? '' : `; ${origin}`}`,
  ]);
  const width = Math.max(...rows.map(([rule = '']) => rule.length));
  return [
    'Rules. Each judges what those before it left, and drops a positive only together with its whole list:',
    ...rows.map(([rule = '', keeps = '']) => `  ${rule.padEnd(width)}  ${keeps}`),
    'With @SOURCE behind it, a rule about passages judges those of one source only, and "rank" one retriever.',
  ].join('\n');
}
