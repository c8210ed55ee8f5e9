import { InputError } from '../core/errors.ts';
import { ID_REMEDY, isId } from '../corpus/json-record.ts';
import type { Line } from '../corpus/lines.ts';
import { readLines } from '../corpus/lines.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource } from '../core/source.ts';

/** What a retriever returned for one query: `scores[i]` belongs to `documents[i]`. In any order. */
export interface ScoredDocuments {
  readonly documents: readonly string[];
  readonly scores: ArrayLike<number>;
}

/** Query id → scored documents. */
export type Run = ReadonlyMap<string, ScoredDocuments>;

export interface ParsedRun {
  readonly run: Run;
  /** The run's name: the last column of the first line; empty for an empty file. */
  readonly tag: string;
}

/** How the columns of a run are separated: by blanks, which trec_eval reads, or by tabs, between which an id may hold blanks. */
export type RunFormat = 'trec' | 'tsv';

/** The format of a run file with this name: `.tsv` separates columns by tabs. */
export function runFormatOf(path: string): RunFormat {
  return /\.tsv$/i.test(path) ? 'tsv' : 'trec';
}

const columnCount = 6;
const columnsRemedy = 'Use the form "query Q0 document rank score tag"';

interface QueryLines {
  readonly documents: string[];
  readonly scores: number[];
  /** The line of each document in the file, to locate a repeated one. */
  readonly lines: number[];
}

/**
 * Reads a TREC run line by line: `query Q0 document rank score tag`, separated by white space, or by tabs, between
 * which ids are taken as they are. As in trec_eval the second and the fourth column are not looked at (ranks follow
 * from the scores), and text behind the tag is passed over; so are lines that begin with #, unless they have every
 * column and a numeric rank and score.
 */
export class RunParser {
  readonly #file: string;
  readonly #queries = new Map<string, QueryLines>();
  #tag = '';

  /** `file` names the input in errors. */
  constructor(file: string) {
    this.#file = file;
  }

  /** @throws InputError naming file and line: too few columns, a score that is not a number. */
  add(line: Line): void {
    const text = line.text.trim();
    if (text === '') return;
    const byTabs = line.text.split('\t');
    const fields = byTabs.length >= columnCount ? byTabs : text.split(/\s+/);
    const [query = '', , document = '', rank = '', score = '', tag = ''] = fields;
    if (text.startsWith('#') && (parseNumber(rank) === undefined || parseNumber(score) === undefined)) return;
    if (fields.length < columnCount) {
      throw this.#error(line.number, `has ${fields.length} columns`, columnsRemedy);
    }
    if (!isId(query) || !isId(document)) throw this.#error(line.number, 'an id is not valid', ID_REMEDY);
    if (this.#queries.size === 0) this.#tag = tag;
    let lines = this.#queries.get(query);
    if (lines === undefined) {
      lines = { documents: [], scores: [], lines: [] };
      this.#queries.set(query, lines);
    }
    lines.documents.push(document);
    lines.scores.push(this.#score(score, line.number));
    lines.lines.push(line.number);
  }

  /** @throws InputError if a query lists a document twice. */
  finish(): ParsedRun {
    for (const [query, { documents, lines }] of this.#queries) {
      const seen = new Set<string>();
      for (const [i, document] of documents.entries()) {
        if (seen.has(document)) {
          const problem = `document ${document} is listed twice for query ${query}`;
          throw this.#error(lines[i], problem, 'Remove one of the two lines');
        }
        seen.add(document);
      }
    }
    return { run: this.#queries, tag: this.#tag };
  }

  #score(text: string, line: number): number {
    const score = parseNumber(text);
    if (score !== undefined) return score;
    throw this.#error(
      line,
      `the score "${text.trim().slice(0, 40)}" is not a number`,
      'Use a decimal number',
    );
  }

  #error(line: number | undefined, problem: string, remedy: string): InputError {
    return new InputError(problem, { file: this.#file, line, remedy });
  }
}

/** A decimal number, or `inf`, which C's functions also write. */
function parseNumber(field: string): number | undefined {
  const text = field.trim();
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  const sign = /^([+-]?)inf(inity)?$/i.exec(text)?.[1];
  if (sign === undefined) return undefined;
  return sign === '-' ? -Infinity : Infinity;
}

/** A run from a file. @throws InputError as {@link RunParser} does. */
export async function readRun(source: ByteSource): Promise<ParsedRun> {
  const parser = new RunParser(source.name);
  for await (const line of readLines(source)) parser.add(line);
  return parser.finish();
}

/**
 * The lines of one query in a run file, each ended by a newline, in the given order. Scores are written so that
 * reading them gives the same numbers.
 * @throws InputError as {@link checkRunId} does. @throws RangeError if a score is NaN.
 */
export function formatRunLines(
  query: string,
  { documents, scores }: ScoredDocuments,
  tag: string,
  format: RunFormat = 'trec',
): string {
  for (const id of [query, tag, ...documents]) checkRunId(id, format);
  const separator = format === 'tsv' ? '\t' : ' ';
  const lines = documents.map((document, i) => {
    const score = scores[i] ?? NaN;
    if (Number.isNaN(score)) throw new RangeError(`formatRunLines: the score of ${document} is not a number`);
    return `${[query, 'Q0', document, i + 1, score, tag].join(separator)}\n`;
  });
  return lines.join('');
}

/** @throws InputError naming an id that reading a run of this format would not give back. */
export function checkRunId(id: string, format: RunFormat): void {
  if (!isId(id)) {
    throw new InputError(`the id ${quoted(id)} cannot be written to a run file`, { remedy: ID_REMEDY });
  }
  if (format === 'tsv' || !/\s/.test(id)) return;
  throw new InputError(
    `the id ${quoted(id)} contains white space, which separates the columns of a TREC run`,
    {
      remedy: 'Use the tab-separated format: a file name that ends in .tsv',
    },
  );
}
