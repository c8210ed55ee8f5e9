import { baselineName } from './baseline-name.ts';
import type { ComparisonTable, MeasuredValue } from '../metrics/compare-systems.ts';
import { comparisonRows, conclusions } from '../metrics/comparison-text.ts';
import { metricTitle } from '../metrics/format.ts';
import type { ArmReport, RecipeReport, ShownPassage, ShownQuery } from './report.ts';
import { markdownList, markdownTable } from './markdown.ts';
import { inlineMarkdown, markdownParagraph } from '../core/other-text.ts';
import { own } from '../core/own.ts';
import { numberText } from '../core/setting-ranges.ts';
import { testQueriesBy, testQueriesText } from './test-queries-text.ts';
import { repeatsText } from '../training/repeat-test.ts';

/** The report for people, in Markdown. */
export function reportMarkdown(report: RecipeReport): string {
  const { recipe, results } = report;
  const sections = [
    `# ${inlineMarkdown(recipe.name)}`,
    ...(recipe.description === '' ? [] : [markdownParagraph(recipe.description)]),
    corpusLine(report),
    '## Results',
    resultsTable(results.all, report),
    ...comparisonSections(results.all, report),
    ...(results.disjoint === null
      ? []
      : [
          '### Queries that share no relevant document with a train query',
          resultsTable(results.disjoint, report),
          ...comparisonSections(results.disjoint, report),
        ]),
    markdownList(report.notes),
    ...tableSections(report),
    ...(report.shown.length === 0 ? [] : ['## Before and after', ...report.shown.map(shownQuery)]),
    '## Trainings',
    trainingsTable(report.arms),
    ...tuningSections(report),
    '## Exclusions and truncation',
    markdownList(report.exclusions),
    '## Environment',
    markdownList(computedLines(report)),
    stagesTable(report),
    '## Recipe',
    fenced(tagless(JSON.stringify(recipe, undefined, 2)), 'json'),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function tableSections({ tables }: RecipeReport): string[] {
  return tables.flatMap(({ title, note, rows, words }) => [
    `## ${title}`,
    ...(note === undefined ? [] : [note]),
    markdownTable(rows, words),
  ]);
}

/** The results as rows of cells, for a terminal: a header and a row for each system. */
export function resultRows(table: ComparisonTable, report: RecipeReport): readonly (readonly string[])[] {
  const metrics = Object.keys(table.systems[0]?.metrics ?? {});
  const baselines = new Set(report.recipe.evaluation.baselines.map(baselineName));
  return [
    ['system', 'loss', ...metrics.map(metricTitle)],
    ...table.systems.map(({ name, metrics: values }) => [
      name,
      baselines.has(name) ? '' : (report.arms.find((arm) => arm.name === name)?.loss ?? ''),
      ...metrics.map((metric) => measuredText(own(values, metric))),
    ]),
  ];
}

function corpusLine({ corpus, recipe }: RecipeReport): string {
  const parts = [
    `${corpus.passages} passages`,
    ...(corpus.trainQueries === null ? [] : [`${corpus.trainQueries} train queries`]),
    ...(corpus.devQueries === null ? [] : [`${corpus.devQueries} dev queries`]),
    testQueriesText(corpus.testQueries, testQueriesBy(corpus)),
    `${recipe.seeds.length} seed${recipe.seeds.length === 1 ? '' : 's'} (${recipe.seeds.join(', ')})`,
  ];
  const sources = (corpus.origins ?? []).flatMap(({ repositories }) =>
    repositories.map(({ id, revision }) => `${inlineMarkdown(id)} at ${revision.slice(0, 12)}`),
  );
  const origin = sources.length === 0 ? '' : ` (${sources.join(', ')})`;
  return `Corpus ${inlineMarkdown(corpus.name)}${origin}: ${parts.join(', ')}. Encoder ${inlineMarkdown(recipe.encoder.model)}.`;
}

function resultsTable(table: ComparisonTable, report: RecipeReport): string {
  const queries = testQueriesText(table.queries, testQueriesBy(report.corpus));
  return `${queries}.\n\n${markdownTable(resultRows(table, report), 2)}`;
}

function comparisonSections(table: ComparisonTable, { recipe }: RecipeReport): string[] {
  const { alpha } = recipe.evaluation;
  if (table.comparisons.length === 0) return [];
  return [markdownTable(comparisonRows(table, alpha), 3), markdownList(conclusions(table, alpha))];
}

function measuredText(value: MeasuredValue | undefined): string {
  if (value === undefined) return '';
  return value.spread === null
    ? value.mean.toFixed(4)
    : `${value.mean.toFixed(4)} ± ${value.spread.toFixed(4)}`;
}

function shownQuery({ id, query, arm, seed, metric, before, after }: ShownQuery): string {
  const passages = (list: readonly ShownPassage[]): string =>
    list
      .map(
        ({ id: passage, text, grade }, i) =>
          `${i + 1}. (${grade === null ? 'not judged' : `grade ${grade}`}) ${inlineMarkdown(shorten(text))} — ${inlineMarkdown(passage)}`,
      )
      .join('\n');
  return [
    `### ${inlineMarkdown(query)}`,
    `Query ${inlineMarkdown(id)}, ${inlineMarkdown(arm)} with seed ${seed}; ${metricTitle(metric)} ${before.value.toFixed(4)} before, ${after.value.toFixed(4)} after.`,
    'Before:',
    passages(before.passages),
    'After:',
    passages(after.passages),
  ].join('\n\n');
}

function trainingsTable(arms: readonly ArmReport[]): string {
  return markdownTable(
    [
      [
        'arm',
        'seed',
        'loss',
        'learning rate',
        'lists',
        'steps',
        'best step',
        'dev before',
        'dev after',
        'seconds',
        'pairs/s',
      ],
      ...arms.flatMap((arm) =>
        arm.trainings.map((training) => [
          arm.name,
          String(training.seed),
          arm.loss,
          numberText(arm.learningRate),
          String(arm.lists),
          `${training.steps}${training.endedBy === 'early stopping' ? ' (stopped early)' : ''}`,
          String(training.bestStep),
          training.dev?.before.toFixed(4) ?? '',
          training.dev?.after.toFixed(4) ?? '',
          training.seconds.toFixed(1),
          training.pairsPerSecond.toFixed(0),
        ]),
      ),
    ],
    3,
  );
}

function tuningSections({ tuning }: RecipeReport): string[] {
  if (tuning.length === 0) return [];
  const shown = (value: number | null): string => (value === null ? 'as set' : numberText(value));
  return [
    '## Tuning',
    'Every combination was trained with the first seed; the best on dev was used for all seeds.',
    markdownTable(
      [
        ['arm', 'learning rate', 'temperature', 'steps', 'dev', 'taken'],
        ...tuning.flatMap(({ arm, trials }) =>
          trials.map(({ learningRate, temperature, steps, dev, chosen }) => [
            arm,
            shown(learningRate),
            shown(temperature),
            String(steps),
            dev.toFixed(4),
            chosen ? 'yes' : '',
          ]),
        ),
      ],
      1,
    ),
  ];
}

function computedLines({
  versions,
  device,
  threads,
  fingerprint,
  repeats,
  otherFingerprints,
  seconds,
  arms,
}: RecipeReport): string[] {
  const breaks = arms.flatMap(({ name, trainings }) =>
    trainings.flatMap((training) => training.breaks.map((line) => `${name}, seed ${training.seed}: ${line}`)),
  );
  return [
    `Retriever Studio ${versions.studio ?? ''} on ${device}, ${threads} thread${threads === 1 ? '' : 's'}`,
    Object.entries(fingerprint)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    `${seconds.job.toFixed(1)} s in total; ${seconds.computed.toFixed(1)} s for computed stages, ${seconds.stored.toFixed(1)} s originally spent on cached stages`,
    ...(repeats === undefined ? [] : [repeatsText(repeats)]),
    ...(breaks.length === 0 ? ['every training is bit-identical to an uninterrupted one'] : breaks),
    ...otherFingerprints,
  ];
}

function stagesTable({ stages }: RecipeReport): string {
  return markdownTable(
    [
      ['stage', 'seconds', ''],
      ...stages.map(({ label, seconds, state }) => [label, seconds.toFixed(2), state]),
    ],
    1,
  );
}

/** JSON of the same value in which nothing looks like HTML. */
function tagless(json: string): string {
  return json.replace(/<(?=[a-z/!?])/gi, '\\u003c');
}

function fenced(text: string, language: string): string {
  return `\`\`\`\`${language}\n${text}\n\`\`\`\``;
}

const longestShown = 240;

function shorten(text: string): string {
  return text.length <= longestShown ? text : `${text.slice(0, longestShown).trimEnd()} …`;
}
