import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readJudgments } from '../../src/corpus/judgments.ts';
import { textSource } from '../../src/core/source.ts';
import type { Evaluation, EvaluationOptions } from '../../src/metrics/evaluate.ts';
import { evaluate } from '../../src/metrics/evaluate.ts';
import { formatValue } from '../../src/metrics/format.ts';
import type { RequestedMeasure } from '../../src/metrics/measures/registry.ts';
import { allMeasures, measureNames, parseMeasures } from '../../src/metrics/measures/registry.ts';
import { readRun } from '../../src/metrics/run.ts';
import { realData } from '../support/data.ts';
import { describeUnless } from '../support/skip.ts';

/** What trec_eval prints of each value, by "measure query"; the runid line aside. */
function printed(evaluation: Evaluation, measures: readonly RequestedMeasure[]): Map<string, string> {
  const lines = new Map<string, string>();
  const counts = new Set(
    measures.filter(({ measure }) => measure.isCount).flatMap((requested) => measureNames(requested)),
  );
  const add = (query: string, values: Readonly<Record<string, number>>) => {
    for (const [name, value] of Object.entries(values)) {
      lines.set(`${name} ${query}`, counts.has(name) ? String(value) : formatValue(value));
    }
  };
  for (const [query, values] of evaluation.perQuery) add(query, values);
  add('all', evaluation.metrics);
  lines.set('num_q all', String(evaluation.queries));
  return lines;
}

/** trec_eval's own lines, for the measures asked for. */
function expectedLines(path: string, names: ReadonlySet<string>): Map<string, string> {
  const lines = new Map<string, string>();
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    const [name = '', query = '', value = ''] = line.split('\t').map((field) => field.trim());
    if (names.has(name)) lines.set(`${name} ${query}`, value);
  }
  return lines;
}

const source = (path: string) => textSource(path, readFileSync(path, 'utf8'));

async function compare(
  files: { qrels: string; run: string; expected: string },
  measures: readonly RequestedMeasure[],
  options: EvaluationOptions,
  minimumLines: number,
): Promise<void> {
  const judgments = await readJudgments(source(files.qrels));
  const { run } = await readRun(source(files.run));
  const ours = printed(evaluate(judgments, run, measures, options), measures);
  const theirs = expectedLines(files.expected, new Set(['num_q', ...measures.flatMap(measureNames)]));
  expect(theirs.size).toBeGreaterThanOrEqual(minimumLines);
  expect(Object.fromEntries([...theirs.keys()].map((key) => [key, ours.get(key)]))).toEqual(
    Object.fromEntries(theirs),
  );
}

const { path: folder, missing } = realData('reference/trec_eval');
describeUnless(missing, "trec_eval's own tests", () => {
  it.each([
    ['out.test', 'qrels.test', 'results.test', {}, 17],
    ['out.test.a', 'qrels.test', 'results.test', {}, 47],
    ['out.test.aq', 'qrels.test', 'results.test', {}, 180],
    ['out.test.aqc', 'qrels.test', 'results.trunc', { complete: true }, 180],
    ['out.test.aqcM', 'qrels.test', 'results.trunc', { complete: true, maxRank: 100 }, 180],
    ['out.test.aql', 'qrels.rel_level', 'results.test', { relevanceLevel: 2 }, 180],
    ['out.comment.test', 'qrels.comment.test', 'results.comment.test', {}, 17],
  ])('%s', async (expected, qrels, run, options, lines) => {
    const files = { qrels: `${folder}/${qrels}`, run: `${folder}/${run}`, expected: `${folder}/${expected}` };
    await compare(files, allMeasures(), options, lines);
  });

  it('out.test.meas_params', async () => {
    const measures = parseMeasures('P.5,7,3,recall.20,2000,ndcg_cut.10,20,23,success.2,5,20');
    const files = {
      qrels: `${folder}/qrels.test`,
      run: `${folder}/results.test`,
      expected: `${folder}/out.test.meas_params`,
    };
    await compare(files, measures, {}, 44);
  });
});

const runs = realData('reference/runs');
describeUnless(runs.missing, 'BM25 runs scored by trec_eval', () => {
  it.each(['scifact', 'nq-utd', 'cranfield'])('%s', async (name) => {
    const measures = parseMeasures(
      'recip_rank,P.1,5,10,recall.5,10,100,ndcg_cut.1,3,5,10,100,map_cut_100,success.1,10',
    );
    const files = {
      qrels: realData(`datasets/${name}/qrels/test.tsv`).path,
      run: `${runs.path}/${name}.bm25.top100.run`,
      expected: `${runs.path}/${name}.bm25.top100.trec_eval.txt`,
    };
    await compare(files, measures, {}, 1000);
  });
});
