import { bootstrapInterval } from '../../metrics/significance/bootstrap.ts';
import {
  corrected,
  measured,
  testPair,
  type MeasuredValue,
  type PairResult,
} from '../../metrics/compare-systems.ts';
import type { DataSet, DataSets } from './data-sets.ts';

/** A system on a data set, with the interval of its mean over queries and seeds. */
export type CellValue = MeasuredValue & Readonly<{ interval: readonly [number, number] }>;

export type TableRow = Readonly<{
  system: string;
  /** Of each data set, in their order. */
  cells: readonly CellValue[];
  /** Over data sets, each counting the same. */
  mean: number;
}>;

/** A test on one data set, or, without one, over all: of the mean over data sets, each counting the same. */
export type TableTest = PairResult & Readonly<{ set: string | null }>;

/** Systems × data sets for each measure, with paired tests. */
export type ResultsTable = Readonly<{
  sets: readonly Readonly<Pick<DataSet, 'name' | 'queries' | 'queriesBy' | 'folds'>>[];
  measures: readonly Readonly<{ measure: string; rows: readonly TableRow[] }>[];
  /** On each set, corrected for one another (Holm) … */
  tests: readonly TableTest[];
  /** … and over all sets, corrected for one another; none where there is one set. */
  overall: readonly TableTest[];
  leftOut: readonly string[];
}>;

/**
 * The table of several data sets. The unit of every test is the query, its values averaged over seeds. Over all sets
 * a query weighs as much as makes each set count the same.
 */
export function resultsTable(data: DataSets): ResultsTable {
  const { sets, systems, measures, pairs, leftOut } = data;
  const tested = pairs.flatMap(([system, baseline]) =>
    measures.map((metric) => ({ system, baseline, metric })),
  );
  const tests = sets
    .filter(({ queries }) => queries > 1)
    .flatMap((set) =>
      tested.map((pair) => ({
        ...pair,
        set: set.name,
        ...testPair(rowsOf(set, pair.system, pair.metric), rowsOf(set, pair.baseline, pair.metric), data),
      })),
    );
  const weights = weightsOf(sets);
  const overall =
    sets.length < 2
      ? []
      : tested.map((pair) => ({
          ...pair,
          set: null,
          ...testPair(
            pooled(sets, pair.system, pair.metric),
            pooled(sets, pair.baseline, pair.metric),
            data,
            weights,
          ),
        }));
  return {
    sets: sets.map(({ name, queries, queriesBy, folds }) => ({ name, queries, queriesBy, folds })),
    measures: measures.map((measure) => ({
      measure,
      rows: systems.map((system) => tableRow(data, system, measure)),
    })),
    tests: corrected(tests),
    overall: corrected(overall),
    leftOut,
  };
}

function tableRow({ sets, alpha, samples }: DataSets, system: string, measure: string): TableRow {
  const cells = sets.map((set) => {
    const rows = rowsOf(set, system, measure);
    return { ...measured(rows), interval: bootstrapInterval(rows, { level: 1 - alpha, samples }) };
  });
  return { system, cells, mean: cells.reduce((sum, { mean }) => sum + mean, 0) / cells.length };
}

function rowsOf({ values }: DataSet, system: string, measure: string): readonly Float64Array[] {
  return values.get(system)?.get(measure) ?? [];
}

/** The queries of all sets in one row for each seed; sets with fewer seeds than others give the mean of theirs. */
function pooled(sets: readonly DataSet[], system: string, measure: string): readonly Float64Array[] {
  const parts = sets.map((set) => rowsOf(set, system, measure));
  const seeds = parts.every(({ length }) => length === parts[0]?.length) ? (parts[0]?.length ?? 0) : 1;
  return Array.from({ length: seeds }, (_, seed) =>
    Float64Array.from(
      parts.flatMap((rows) => {
        if (rows.length === seeds) return [...(rows[seed] ?? [])];
        return Array.from(rows[0] ?? [], (_value, query) =>
          rows.reduce((sum, row) => sum + (row[query] ?? 0) / rows.length, 0),
        );
      }),
    ),
  );
}

/** With the mean 1, such that the mean of weighted queries is the mean over sets. */
function weightsOf(sets: readonly DataSet[]): Float64Array {
  const all = sets.reduce((sum, { queries }) => sum + queries, 0);
  return Float64Array.from(
    sets.flatMap(({ queries }) => Array.from({ length: queries }, () => all / (sets.length * queries))),
  );
}
