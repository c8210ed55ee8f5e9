import { inlineMarkdown } from '../../core/other-text.ts';
import { formatP, formatSigned, metricTitle } from '../../metrics/format.ts';
import { testQueriesText } from '../test-queries-text.ts';
import { markdownTable } from '../markdown.ts';
import type { ResultsTable, TableTest } from './results-table.ts';

/** The table and its tests, for people. */
export function tableMarkdown({ sets, measures, tests, overall, leftOut }: ResultsTable): string {
  const described = sets.map(
    ({ name, queries, queriesBy, folds }) =>
      `${inlineMarkdown(name)}: ${testQueriesText(queries, queriesBy)}${folds > 1 ? `, cross-fitted in ${folds} folds` : ''}`,
  );
  const sections = [
    '# Results',
    described.map((line) => `- ${line}`).join('\n'),
    ...measures.flatMap(({ measure, rows }) => [
      `## ${metricTitle(measure)}`,
      markdownTable(
        [
          ['system', ...sets.map(({ name }) => name), ...(sets.length > 1 ? ['mean'] : [])],
          ...rows.map(({ system, cells, mean }) => [
            system,
            ...cells.map(({ mean: value, spread }) =>
              spread === null ? value.toFixed(4) : `${value.toFixed(4)} ± ${spread.toFixed(4)}`,
            ),
            ...(sets.length > 1 ? [mean.toFixed(4)] : []),
          ]),
        ],
        1,
      ),
    ]),
    ...(overall.length === 0
      ? []
      : [
          '## Tests over all data sets',
          'On the mean over data sets, each with equal weight.',
          testsTable(overall),
        ]),
    ...(tests.length === 0 ? [] : ['## Tests on each data set', testsTable(tests)]),
    [
      '± is the standard deviation over seeds. The unit of a test is the query, with values averaged over seeds; ' +
        'p-values (paired randomization) are Holm-corrected over the tests of a table.',
      ...(leftOut.length === 0
        ? []
        : [`Excluded because not in all reports: ${leftOut.map(inlineMarkdown).join(', ')}.`]),
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
  ];
  return `${sections.join('\n\n')}\n`;
}

function testsTable(tests: readonly TableTest[]): string {
  const onSets = tests.some(({ set }) => set !== null);
  return markdownTable(
    [
      [
        'system',
        'against',
        'measure',
        ...(onSets ? ['set'] : []),
        ...['difference', 'interval', 'p', 'p (Holm)', 'wins/ties/losses', 'detectable'],
      ],
      ...tests.map((test) => [
        test.system,
        test.baseline,
        metricTitle(test.metric),
        ...(onSets ? [test.set ?? ''] : []),
        formatSigned(test.difference),
        `[${test.interval.map((bound) => formatSigned(bound)).join(', ')}]`,
        formatP(test.randomizationP),
        formatP(test.randomizationHolmP),
        `${test.wins}/${test.ties}/${test.losses}`,
        test.smallestDetectable.toFixed(4),
      ]),
    ],
    onSets ? 4 : 3,
  );
}
