import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/core/errors.ts';
import { RandomStream } from '../../../src/core/random.ts';
import { joinReports, readReport } from '../../../src/pipeline/table/data-sets.ts';
import { dotPlot } from '../../../src/pipeline/table/dot-plot.ts';
import { resultsTable, type ResultsTable } from '../../../src/pipeline/table/results-table.ts';
import { tableMarkdown } from '../../../src/pipeline/table/table-markdown.ts';

type Rows = Readonly<Record<string, readonly (readonly number[])[]>>;

/** A report of one measure. @param rows of each system, by seed */
function reportOf(
  corpus: string,
  rows: Rows,
  { fold, first = 0 }: { fold?: { of: number; index: number; seed: number }; first?: number } = {},
) {
  const queries = Object.values(rows)[0]?.[0]?.length ?? 0;
  return {
    format: 1,
    recipe: {
      seeds: [1, 2],
      corpus: fold === undefined ? {} : { fold },
      evaluation: { alpha: 0.05, samples: 1000 },
    },
    corpus: { name: corpus },
    results: {
      all: { comparisons: [{ system: 'new', baseline: 'old' }] },
      perQuery: {
        queries: Array.from({ length: queries }, (_, i) => `q${first + i}`),
        systems: Object.fromEntries(
          Object.entries(rows).map(([name, values]) => [name, { ndcg_cut_10: values }]),
        ),
      },
    },
  };
}
const tableOf = (...reports: ReturnType<typeof reportOf>[]): ResultsTable =>
  resultsTable(
    joinReports(reports.map((report, i) => ({ file: `${i}.json`, report: readReport(report, `${i}.json`) }))),
  );
const rows = tableRows;
function tableRows({ measures }: ResultsTable): [string, number[], number][] {
  return (measures[0]?.rows ?? []).map(({ system, cells, mean }) => [
    system,
    cells.map((cell) => Number(cell.mean.toFixed(6))),
    Number(mean.toFixed(6)),
  ]);
}

describe('a table of several reports', () => {
  it('has a column for each data set and their mean, in which a large set counts as much as a small one', () => {
    const table = tableOf(
      reportOf('small', {
        old: [[0, 0]],
        new: [
          [1, 1],
          [0.5, 0.5],
        ],
      }),
      reportOf('large', { old: [Array(10).fill(0.5)], new: [Array(10).fill(0.25), Array(10).fill(0.25)] }),
    );
    expect(rows(table)).toEqual([
      ['old', [0, 0.5], 0.25],
      ['new', [0.75, 0.25], 0.5],
    ]);
    expect(table.overall).toHaveLength(1);
    // +0.75 on the one and −0.25 on the other, whatever their sizes.
    expect(table.overall[0]?.difference).toBeCloseTo(0.25, 12);
    expect(table.overall[0]).toMatchObject({ wins: 2, losses: 10, set: null });
    expect(table.tests.map(({ set, difference }) => [set, difference])).toEqual([
      ['small', 0.75],
      ['large', -0.25],
    ]);
  });

  it('makes one column of the folds of a set, whose queries are tested together', () => {
    const random = new RandomStream(1);
    const values = Array.from({ length: 30 }, () => random.uniform());
    const gains = values.map((value) => value + 0.1 * random.uniform());
    const part = (from: number, to: number, index: number): ReturnType<typeof reportOf> =>
      reportOf(
        'folded',
        { old: [values.slice(from, to)], new: [gains.slice(from, to), gains.slice(from, to)] },
        { fold: { of: 2, index, seed: 0 }, first: from },
      );
    const whole = tableOf(reportOf('folded', { old: [values], new: [gains, gains] }));
    const folded = tableOf(part(0, 13, 0), part(13, 30, 1));
    expect(folded.sets).toEqual([{ name: 'folded', queries: 30, folds: 2 }]);
    expect(rows(folded)).toEqual(rows(whole));
    expect(folded.tests).toEqual(whole.tests);
    expect(folded.overall).toEqual([]);
    expect(() => tableOf(part(0, 13, 0))).toThrow('1 of its 2 folds were passed');
    expect(() => tableOf(part(0, 13, 0), part(0, 13, 1))).toThrow(
      'query q0 was also tested in another report',
    );
    expect(() => tableOf(part(0, 13, 0), reportOf('folded', { old: [values], new: [gains, gains] }))).toThrow(
      'its folds or seeds differ',
    );
  });

  it('calls a corpus by the last part of its path, unless two are called the same', () => {
    const values = { old: [[0, 1]], new: [[1, 1]] };
    const names = (...paths: string[]): string[] =>
      tableOf(...paths.map((path) => reportOf(path, values))).sets.map(({ name }) => name);
    expect(names('data/fiqa', '/somewhere/scifact/', 'demo')).toEqual(['fiqa', 'scifact', 'demo']);
    expect(names('a/fiqa', 'b/fiqa', 'b/scifact')).toEqual(['a/fiqa', 'b/fiqa', 'scifact']);
  });

  it('corrects the tests for one another', () => {
    const random = new RandomStream(2);
    const old = Array.from({ length: 12 }, () => random.uniform());
    const values = { old: [old], new: [old.map((value) => value + 0.02 + 0.1 * random.normal())] };
    const table = tableOf(reportOf('a', values), reportOf('b', values), reportOf('c', values));
    const [first] = table.tests;
    expect(first?.randomizationHolmP).toBeCloseTo(Math.min(1, 3 * (first?.randomizationP ?? 0)), 12);
    expect(table.overall[0]?.randomizationHolmP).toBe(table.overall[0]?.randomizationP);
  });

  it('holds what all reports have, and says what not', () => {
    const table = tableOf(
      reportOf('a', { old: [[0, 1]], new: [[1, 1]], extra: [[1, 1]] }),
      reportOf('b', { old: [[0, 1]], new: [[1, 1]] }),
    );
    expect(rows(table).map(([system]) => system)).toEqual(['old', 'new']);
    expect(table.leftOut).toEqual(['extra']);
    expect(tableMarkdown(table)).toContain('Excluded because not in all reports: extra.');
    expect(() => tableOf(reportOf('a', { old: [[1]] }), reportOf('b', { new: [[1]] }))).toThrow('no system');
    expect(() => tableOf(reportOf('a', { old: [[1]] }), reportOf('a', { old: [[1]] }))).toThrow(
      'there are two reports of this corpus',
    );
  });

  it('reads no other file, nor a report with values missing', () => {
    expect(() => readReport({ format: 1 }, 'r.json')).toThrow(/^r\.json: is not a report/);
    const broken = reportOf('a', { old: [[1, 2]], new: [[1]] });
    expect(() => readReport(broken, 'r.json')).toThrow('new has 1 values for 2 queries');
  });
});

describe('texts of others', () => {
  const name = '<script>alert("1")|\u0000 & more';
  const report = { ...reportOf(name, { old: [[0, 1]], new: [[1, 1]] }) };
  const table = resultsTable(joinReports([{ file: 'r', report }]));

  it('are text in the plot', () => {
    const svg = dotPlot(table);
    expect(svg).toContain('&lt;script&gt;alert(&quot;1&quot;)');
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('\u0000');
    // Every dot lies in the picture.
    const width = Number(/viewBox="0 0 ([\d.]+)/.exec(svg)?.[1]);
    const places = [...svg.matchAll(/cx="([-\d.]+)"/g)].map(([, x]) => Number(x));
    expect(places).toHaveLength(2);
    for (const x of places) expect(x > 0 && x < width).toBe(true);
  });

  it('end no cell of the table', () => {
    const lines = tableMarkdown(table).split('\n');
    const header = lines.find((line) => line.startsWith('| system |')) ?? '';
    expect(header.replaceAll('\\|', '').split('|')).toHaveLength(4);
  });
});

describe('a report that was changed', () => {
  const changed = (change: (report: ReturnType<typeof reportOf>) => void): unknown => {
    const report = reportOf('set', { old: [[0, 1, 0]], new: [[1, 1, 0]] });
    change(report);
    return report;
  };

  it.each<[string, (report: ReturnType<typeof reportOf>) => void]>([
    ['a system without a measure', (report) => Reflect.set(report.results.perQuery.systems, 'new', {})],
    ['a level of the tests above a half', (report) => (report.recipe.evaluation.alpha = 5e7)],
    ['more samples than can be drawn', (report) => (report.recipe.evaluation.samples = 1e15)],
    ['half a sample', (report) => (report.recipe.evaluation.samples = 0.5)],
  ])('is refused with %s', (_, change) => {
    expect(() => readReport(changed(change), 'report.json')).toThrow(InputError);
  });
});
