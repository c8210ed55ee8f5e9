import type { ScoredSource } from '../lists/diagnostics/score-histogram.ts';
import type { LoweredReport } from './lowered-report.ts';

/**
 * A table about a stage's result. The report (JSON, Markdown), the page and the command all show it. A type alias, so
 * that it is assignable to Json.
 */
export type StageTable = Readonly<{
  title: string;
  /** How to read it. */
  note?: string;
  /** The header and a row for each thing. */
  rows: readonly (readonly string[])[];
  /** How many of the columns hold words, not numbers. */
  words: number;
  /** What tells stages with such a table apart, as the header of a first column with their labels. */
  of?: string;
  /** The scores behind the rows, where the page plots them. */
  scores?: readonly ScoredSource[];
  /** The passages behind the rows, where the page lists them. */
  lowered?: LoweredReport;
}>;

/** A stage's tables beside its label. */
export interface LabeledTables {
  readonly label: string;
  readonly tables: readonly StageTable[];
}

/** The tables of all stages: those of one title are one table, in which a column names the stages. */
export function mergeTables(stages: readonly LabeledTables[]): readonly StageTable[] {
  const merged = new Map<string, StageTable>();
  for (const { label, tables } of stages) {
    for (const table of tables) {
      const { of, title } = table;
      const [header = [], ...body] = table.rows;
      const named = (first: string, row: readonly string[]): readonly string[] =>
        of === undefined ? row : [first, ...row];
      const before = merged.get(title)?.rows ?? [named(of ?? '', header)];
      const rows = [...before, ...body.map((row) => named(label, row))];
      merged.set(title, { ...table, rows, words: table.words + (of === undefined ? 0 : 1) });
    }
  }
  return [...merged.values()];
}
