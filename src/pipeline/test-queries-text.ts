/** What tables and notes say of test and dev queries, alike on the command line, in reports and on the page. */
import type { QueriesBy } from '../corpus/types.ts';
import type { WrittenSetReport } from './written-sets.ts';

/** Who made the test queries of a report, unless people asked them: the recipe had them written, or the corpus says so. */
export function testQueriesBy(corpus: {
  readonly testQueriesBy?: QueriesBy | undefined;
  readonly written?: { readonly test?: { readonly by: QueriesBy } | undefined } | undefined;
}): QueriesBy | undefined {
  return corpus.written?.test?.by ?? corpus.testQueriesBy;
}

/** So many test queries, with where they come from unless people asked them. */
export function testQueriesText(count: number, by: QueriesBy | undefined): string {
  return `${count} test queries${queriesByText(by)}`;
}

/** Where queries come from, in brackets; nothing where people asked them. */
export function queriesByText(by: QueriesBy | undefined): string {
  switch (by) {
    case undefined:
      return '';
    case 'model':
      return ' (on queries that a model wrote)';
    case 'extract':
      return ' (on queries cut out of passages)';
  }
}

/** How a set was made of held-out passages, and what follows for its values. */
export function writtenSetNote(
  set: 'test' | 'dev',
  { by, model, queries, passages, passagesWithoutQuery }: WrittenSetReport,
): string {
  const title = set === 'test' ? 'Test' : 'Dev';
  const made =
    by === 'model' ? `a model (${model}) wrote ${queries} queries for` : `${queries} queries were cut out of`;
  const without =
    passagesWithoutQuery === 0 ? '' : ` For ${passagesWithoutQuery} of the passages there is no query.`;
  const facts =
    `${title}: ${made} ${passages} held-out passages. No training list has one of these queries, or one of these ` +
    `passages as a positive; the passages are searched, and may be negatives.${without}`;
  if (set === 'dev') return facts;
  const several =
    queries > passages
      ? ' Queries of one passage are not independent, so intervals are too narrow and p-values too low.'
      : '';
  return (
    `${facts} Such queries share words with their passage, which makes them easier than questions that people ask, ` +
    'for keyword search above all; and only their passage counts as relevant. Compare encoders with each other by them: ' +
    `the values, and the distance to keyword search, are others on real questions.${several}`
  );
}
