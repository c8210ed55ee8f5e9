import Papa from 'papaparse';
import { describe, expect, it } from 'vitest';
import { toCsv, toLatex } from '../../src/metrics/tables.ts';

describe('toCsv', () => {
  it('keeps numbers to the bit, and quotes what needs it', () => {
    const text = toCsv({
      columns: ['run', 'p'],
      rows: [
        ['a,b "c"\nd', 0.1 + 0.2],
        ['e', -1e-7],
      ],
    });
    expect(Papa.parse(text, { skipEmptyLines: true }).data).toEqual([
      ['run', 'p'],
      ['a,b "c"\nd', '0.30000000000000004'],
      ['e', '-1e-7'],
    ]);
  });

  it.each(['=HYPERLINK("x")', '+1', '@sum', '-2+3', '\t=1', '\r=1'])('lets no spreadsheet run %j', (name) => {
    const [row] = Papa.parse<string[]>(toCsv({ columns: ['run'], rows: [[name]] }), {
      skipEmptyLines: true,
    }).data.slice(1);
    expect(row).toEqual([`'${name}`]);
  });
});

describe('toLatex', () => {
  it('escapes text, rounds numbers and aligns them to the right', () => {
    const text = toLatex({
      columns: ['run', 'ndcg_cut_10', 'n'],
      rows: [
        ['a_b & 50% \\x ~^ #{}$ <>', -0.12345, 300],
        ['c\nd', 0.5, 7],
      ],
    });
    expect(text).toBe(
      [
        '\\begin{tabular}{lrr}',
        '\\toprule',
        'run & ndcg\\_cut\\_10 & n \\\\',
        '\\midrule',
        'a\\_b \\& 50\\% \\textbackslash{}x \\textasciitilde{}\\textasciicircum{} \\#\\{\\}\\$ \\textless{}\\textgreater{} & $-$0.1235 & 300 \\\\',
        'c d & 0.5000 & 7 \\\\',
        '\\bottomrule',
        '\\end{tabular}',
        '',
      ].join('\n'),
    );
  });
});
