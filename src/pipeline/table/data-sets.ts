/** The data sets that reports are about, with every query's values: reports of the folds of a set are one. */
import * as v from 'valibot';
import { InputError } from '../../core/errors.ts';
import type { QueryValues } from '../../metrics/compare-systems.ts';
import { own } from '../../core/own.ts';
import type { QueriesBy } from '../../corpus/types.ts';
import { testQueriesBy } from '../test-queries-text.ts';

const number = v.pipe(v.number(), v.finite());
const text = v.pipe(v.string(), v.nonEmpty());

/** What a table reads of a report. */
const reportSchema = v.object({
  format: v.literal(1),
  recipe: v.object({
    seeds: v.pipe(v.array(number), v.minLength(1)),
    corpus: v.object({ fold: v.optional(v.object({ of: number, index: number, seed: number })) }),
    evaluation: v.object({
      alpha: v.pipe(number, v.gtValue(0), v.maxValue(0.5)),
      samples: v.pipe(number, v.integer(), v.minValue(1), v.maxValue(10_000_000)),
    }),
  }),
  corpus: v.object({
    name: text,
    written: v.optional(v.object({ test: v.optional(v.object({ by: v.picklist(['model', 'extract']) })) })),
  }),
  results: v.object({
    all: v.object({ comparisons: v.array(v.object({ system: text, baseline: text })) }),
    perQuery: v.object({
      queries: v.pipe(v.array(text), v.minLength(1)),
      systems: v.record(text, v.record(text, v.pipe(v.array(v.array(number)), v.minLength(1)))),
    }),
  }),
});

/** A report as a table reads it. */
export interface TableReport {
  readonly recipe: {
    readonly seeds: readonly number[];
    readonly corpus: {
      readonly fold?: { readonly of: number; readonly index: number; readonly seed: number } | undefined;
    };
    readonly evaluation: { readonly alpha: number; readonly samples: number };
  };
  readonly corpus: {
    readonly name: string;
    readonly testQueriesBy?: QueriesBy | undefined;
    readonly written?: { readonly test?: { readonly by: QueriesBy } | undefined } | undefined;
  };
  readonly results: {
    readonly all: {
      readonly comparisons: readonly { readonly system: string; readonly baseline: string }[];
    };
    readonly perQuery: QueryValues;
  };
}

/** System → measure → one row of values for each seed. */
export type SystemRows = ReadonlyMap<string, ReadonlyMap<string, readonly Float64Array[]>>;

/** One column of a table. */
export interface DataSet {
  readonly name: string;
  readonly queries: number;
  /** Who wrote its queries, unless people asked them. */
  readonly queriesBy: QueriesBy | undefined;
  /** Of cross-fitting; 1 where the set has a train split. */
  readonly folds: number;
  readonly values: SystemRows;
}

/** Reports as one table: what all of them have, in the order of the first. */
export interface DataSets {
  readonly sets: readonly DataSet[];
  readonly systems: readonly string[];
  readonly measures: readonly string[];
  /** [system, what it is compared with] */
  readonly pairs: readonly (readonly [string, string])[];
  readonly alpha: number;
  readonly samples: number;
  /** What not all of the reports have. */
  readonly leftOut: readonly string[];
}

/** @throws InputError naming the file */
export function readReport(document: unknown, file: string): TableReport {
  const result = v.safeParse(reportSchema, document);
  if (!result.success) {
    const [issue] = result.issues;
    throw new InputError(
      `is not a report with values per query (${v.getDotPath(issue) ?? ''}: ${issue.message})`,
      {
        file,
        remedy: 'Re-run the recipe to write a report.json with this version',
      },
    );
  }
  const { perQuery } = result.output.results;
  const [first = {}] = Object.values(perQuery.systems);
  for (const [system, measures] of Object.entries(perQuery.systems)) {
    const lacking = Object.keys(first).find((measure) => !Object.hasOwn(measures, measure));
    if (lacking !== undefined) {
      throw new InputError(`${system} has no values for ${lacking}`, {
        file,
        remedy: 'Use the report as it was written',
      });
    }
    for (const row of Object.values(measures).flat()) {
      if (row.length === perQuery.queries.length) continue;
      throw new InputError(`${system} has ${row.length} values for ${perQuery.queries.length} queries`, {
        file,
        remedy: 'Use the report as it was written',
      });
    }
  }
  return result.output;
}

/** Reports by what they are about. @throws InputError where they do not make a table */
export function joinReports(
  reports: readonly { readonly file: string; readonly report: TableReport }[],
): DataSets {
  const [first] = reports;
  if (first === undefined) throw new InputError('there are no reports', { remedy: 'Pass one or more' });
  const shared = (names: (report: TableReport) => readonly string[]): readonly string[] =>
    names(first.report).filter((name) => reports.every(({ report }) => names(report).includes(name)));
  const systemsOf = ({ results }: TableReport): string[] => Object.keys(results.perQuery.systems);
  const measuresOf = ({ results }: TableReport): string[] =>
    Object.keys(Object.values(results.perQuery.systems)[0] ?? {});
  const systems = shared(systemsOf);
  const measures = shared(measuresOf);
  if (systems.length === 0 || measures.length === 0) {
    throw new InputError('the reports have no system and measure in common', {
      remedy: 'Use reports of recipes whose arms have the same names',
    });
  }
  const everything = reports.flatMap(({ report }) => [...systemsOf(report), ...measuresOf(report)]);
  const groups = new Map<string, (typeof reports)[number][]>();
  for (const one of reports) {
    const { name } = one.report.corpus;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return {
    sets: [...groups].map(([name, group]) =>
      dataSet(shortName(name, [...groups.keys()]), group, systems, measures),
    ),
    systems,
    measures,
    pairs: pairsOf(first.report).filter((pair) => pair.every((name) => systems.includes(name))),
    alpha: first.report.recipe.evaluation.alpha,
    samples: first.report.recipe.evaluation.samples,
    leftOut: [...new Set(everything)].filter((name) => !systems.includes(name) && !measures.includes(name)),
  };
}

/** The last part of a corpus's path, where no other corpus of the table is called the same. */
function shortName(name: string, names: readonly string[]): string {
  const lastPart = (path: string): string => /([^/\\]+)[/\\]*$/.exec(path)?.[1] ?? path;
  return names.filter((other) => lastPart(other) === lastPart(name)).length > 1 ? name : lastPart(name);
}

function pairsOf({ results }: TableReport): (readonly [string, string])[] {
  const pairs = new Map(
    results.all.comparisons.map(({ system, baseline }) => [
      JSON.stringify([system, baseline]),
      [system, baseline] as const,
    ]),
  );
  return [...pairs.values()];
}

function dataSet(
  name: string,
  group: readonly { readonly file: string; readonly report: TableReport }[],
  systems: readonly string[],
  measures: readonly string[],
): DataSet {
  const folds = refuseWrongFolds(name, group);
  const known = new Set<string>();
  for (const { file, report } of group) {
    for (const query of report.results.perQuery.queries) {
      if (known.has(query)) {
        throw new InputError(`${name}: query ${query} was also tested in another report`, {
          file,
          remedy: 'Pass each fold once',
        });
      }
      known.add(query);
    }
  }
  const rows = (system: string, measure: string): Float64Array[] => {
    const parts = group.map(({ report }) => own(own(report.results.perQuery.systems, system), measure) ?? []);
    // What has one row, as BM25 has, stands for every seed; folds agree about how many there are.
    const seeds = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: seeds }, (_, seed) =>
      Float64Array.from(parts.flatMap((part) => part[part.length === 1 ? 0 : seed] ?? [])),
    );
  };
  return {
    name,
    queries: known.size,
    queriesBy: group[0] && testQueriesBy(group[0].report.corpus),
    folds,
    values: new Map(
      systems.map((system) => [system, new Map(measures.map((measure) => [measure, rows(system, measure)]))]),
    ),
  };
}

/** @returns how many folds there are. @throws InputError unless they are all folds of one set, or one report */
function refuseWrongFolds(
  name: string,
  group: readonly { readonly file: string; readonly report: TableReport }[],
): number {
  const [first] = group;
  const fold = first?.report.recipe.corpus.fold;
  if (fold === undefined) {
    const second = group[1];
    if (second === undefined) return 1;
    throw new InputError(`${name}: there are two reports of this corpus`, {
      file: second.file,
      remedy: 'Pass one report per corpus, or one per fold',
    });
  }
  for (const { file, report } of group) {
    const { corpus, seeds } = report.recipe;
    const same = corpus.fold?.of === fold.of && corpus.fold.seed === fold.seed;
    if (same && seeds.length === first?.report.recipe.seeds.length) continue;
    throw new InputError(`${name}: its folds or seeds differ from those of ${first?.file ?? ''}`, {
      file,
      remedy: 'Use the folds of one recipe',
    });
  }
  if (group.length === fold.of) return fold.of;
  throw new InputError(`${name}: only ${group.length} of its ${fold.of} folds were passed`, {
    file: first?.file,
    remedy: 'Pass the reports of all folds',
  });
}
