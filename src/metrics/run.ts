import { InputError } from '../host/errors.ts';
import { ID_REMEDY, isId } from '../corpus/json-record.ts';
import type { Line } from '../corpus/lines.ts';
import { readLines } from '../corpus/lines.ts';
import type { ByteSource } from '../corpus/source.ts';

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

const columnCount = 6;
const columnsRemedy = 'Write "query Q0 document rank score tag"';

interface QueryLines {
  readonly documents: string[];
  readonly scores: number[];
  /** Where each document stands in the file, to name the place of a repeated one. */
  readonly lines: number[];
}

/**
 * Reads a TREC run line by line: `query Q0 document rank score tag`, separated by blanks, or by tabs where ids
 * contain blanks. As in trec_eval the second and the fourth column are not looked at (ranks follow from the
 * scores), and text behind the tag and lines that start with # are passed over.
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
    if (text === '' || text.startsWith('#')) return;
    const byTabs = text.split('\t');
    const fields = byTabs.length >= columnCount ? byTabs.map((field) => field.trim()) : text.split(/\s+/);
    const [query = '', , document = '', , score = '', tag = ''] = fields;
    if (fields.length < columnCount) {
      throw this.#error(line.number, `has ${fields.length} columns`, columnsRemedy);
    }
    if (!isId(query) || !isId(document)) throw this.#error(line.number, 'an id is not usable', ID_REMEDY);
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
          throw this.#error(lines[i], problem, 'Keep one line for each document of a query');
        }
        seen.add(document);
      }
    }
    return { run: this.#queries, tag: this.#tag };
  }

  /** A decimal number, or `inf`, which C's functions also write. */
  #score(text: string, line: number): number {
    if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
    const sign = /^([+-]?)inf(inity)?$/i.exec(text)?.[1];
    if (sign !== undefined) return sign === '-' ? -Infinity : Infinity;
    throw this.#error(line, `the score "${text.slice(0, 40)}" is not a number`, 'Give a decimal number');
  }

  #error(line: number | undefined, problem: string, remedy: string): InputError {
    return new InputError(problem, { file: this.#file, line, remedy });
  }
}

/** A run from a file. @throws InputError as {@link RunParser} does. */
export async function readRun(source: ByteSource): Promise<ParsedRun> {
  const parser = new RunParser(source.name);
  for await (const line of readLines(source)) parser.add(line);
  return parser.finish();
}

/**
 * The lines of one query in a TREC run file, each ended by a newline, in the given order. Scores are written so
 * that reading them gives the same numbers. Columns are separated by blanks, or by tabs if an id contains a blank
 * (which trec_eval can not read, but {@link RunParser} can).
 * @throws InputError if an id cannot stand in a run file. @throws RangeError if a score is NaN.
 */
export function formatRunLines(query: string, { documents, scores }: ScoredDocuments, tag: string): string {
  const ids = [query, tag, ...documents];
  const unusable = ids.find((id) => !isId(id));
  if (unusable !== undefined) {
    throw new InputError(`the id ${JSON.stringify(unusable)} can not stand in a run file`, {
      remedy: ID_REMEDY,
    });
  }
  const separator = ids.some((id) => /\s/.test(id)) ? '\t' : ' ';
  const lines = documents.map((document, i) => {
    const score = scores[i] ?? NaN;
    if (Number.isNaN(score)) throw new RangeError(`formatRunLines: the score of ${document} is not a number`);
    return `${[query, 'Q0', document, i + 1, score, tag].join(separator)}\n`;
  });
  return lines.join('');
}
