import type { StageTable } from '../pipeline/stage-table.ts';
import type { CliIo } from './io.ts';

/** Prints tables of stages, each under its title. */
export function printTables(tables: readonly StageTable[], io: CliIo): void {
  for (const { title, rows } of tables) {
    io.print(title);
    for (const line of textTable(rows[0] ?? [], rows.slice(1))) io.print(line);
    io.print('');
  }
}

/** Rows as aligned columns: the first column to the left, numbers and what looks like them to the right. */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
