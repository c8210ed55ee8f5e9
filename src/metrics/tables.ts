import Papa from 'papaparse';
import { own } from '../core/own.ts';

export type Cell = string | number;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/**
 * The table as CSV (RFC 4180). Text that a spreadsheet would run as a formula (`=…`, `+…`, `@…`, `-…`) gets an
 * apostrophe in front; numbers, negative ones too, stay as they are and are not rounded.
 */
export function toCsv({ columns, rows }: Table): string {
  const data = rows.map((row) => [...row]);
  return `${Papa.unparse({ fields: [...columns], data }, { escapeFormulae: true })}\r\n`;
}

/** The table as a LaTeX tabular with the rules of the booktabs package; text is escaped, numbers have 4 digits. */
export function toLatex({ columns, rows }: Table): string {
  const alignment = columns.map((_, i) => (rows.every((row) => typeof row[i] === 'number') ? 'r' : 'l'));
  const line = (cells: readonly Cell[]) => `${cells.map(latexCell).join(' & ')} \\\\`;
  return [
    `\\begin{tabular}{${alignment.join('')}}`,
    '\\toprule',
    line(columns),
    '\\midrule',
    ...rows.map(line),
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}

function latexCell(cell: Cell): string {
  if (typeof cell === 'string') return escapeLatex(cell);
  const digits = Number.isInteger(cell) ? String(Math.abs(cell)) : Math.abs(cell).toFixed(4);
  return cell < 0 ? `$-$${digits}` : digits;
}

const latexEscapes: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
};

function escapeLatex(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\~^<>&%$#_{}]/g, (character) => own(latexEscapes, character) ?? `\\${character}`);
}
