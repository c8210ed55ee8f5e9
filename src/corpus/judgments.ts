/**
 * Relevance judgments in the three forms people keep them in:
 *
 * - BEIR's TSV: query id, document id, grade; with a header line or without;
 * - TREC qrels: query id, iteration (ignored), document id, grade; separated by white space or by tabs;
 * - JSON lines: {"query-id": "1", "corpus-id": "2", "score": 1}.
 *
 * Between tabs ids are taken as they are. A line that begins with # is a comment, unless it has every column and a
 * numeric grade.
 */

import { InputError } from '../core/errors.ts';
import { ID_REMEDY, isId, JsonRecord } from './json-record.ts';
import type { Line } from './lines.ts';
import { readLines } from './lines.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource } from '../core/source.ts';
import type { Judgments } from './types.ts';

/** One judged pair. */
export interface Judgment {
  readonly queryId: string;
  readonly documentId: string;
  readonly grade: number;
}

type JudgmentFormat = 'beir' | 'trec' | 'jsonl';

/**
 * Reads judgments line by line; the first line that is not empty decides the form.
 * A pair that is judged twice must have the same grade both times.
 */
export class JudgmentParser {
  readonly #file: string;
  readonly #judgments = new Map<string, Map<string, number>>();
  #format: JudgmentFormat | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Query id → document id → grade, in the order of the file. */
  get judgments(): Judgments {
    return this.#judgments;
  }

  /** @returns the judgment of a line that has one. @throws InputError naming the file and the line. */
  add(line: Line): Judgment | undefined {
    if (line.text.trim() === '') return undefined;
    const format = this.#format ?? formatOf(line.text);
    if (line.text.startsWith('#') && !isWhole(line.text, format)) return undefined;
    const isFirst = this.#format === undefined;
    this.#format = format;
    if (isFirst && format === 'beir' && isHeader(line.text)) return undefined;
    const judgment = this.#parse(line, format);
    const { queryId, documentId, grade } = judgment;
    let grades = this.#judgments.get(queryId);
    if (grades === undefined) {
      grades = new Map();
      this.#judgments.set(queryId, grades);
    }
    const earlier = grades.get(documentId);
    if (earlier !== undefined && earlier !== grade) {
      throw this.#error(
        line,
        `query ${quoted(queryId)}, document ${quoted(documentId)} is judged ${grade} here and ${earlier} earlier`,
        'Remove one of the two',
      );
    }
    grades.set(documentId, grade);
    return judgment;
  }

  #parse(line: Line, format: JudgmentFormat): Judgment {
    if (format === 'jsonl') {
      const record = JsonRecord.parse(line, this.#file);
      const grade = record.number('score');
      if (grade === undefined || !Number.isSafeInteger(grade)) {
        throw record.error('"score" is not a whole number', 'Use a whole number as the grade');
      }
      return { queryId: record.id('query-id'), documentId: record.id('corpus-id'), grade };
    }
    const fields = fieldsOf(line.text, format);
    const [queryId, documentId, grade] = format === 'beir' ? fields : [fields[0], fields[2], fields[3]];
    if (fields.length !== COLUMNS[format].count || !queryId || !documentId || !grade) {
      throw this.#error(line, `has ${fields.length} columns`, COLUMNS[format].remedy);
    }
    if (!isId(queryId) || !isId(documentId)) throw this.#error(line, 'an id is not valid', ID_REMEDY);
    return { queryId, documentId, grade: this.#grade(grade.trim(), line) };
  }

  /** Grades are whole numbers; "1.0", as some tools write it, is one. */
  #grade(text: string, line: Line): number {
    const grade = /^[+-]?\d+(\.0*)?$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(grade)) return grade;
    throw this.#error(line, `the grade ${quoted(text)} is not a whole number`, 'Use a whole number');
  }

  #error(line: Line, problem: string, remedy: string): InputError {
    return new InputError(problem, { file: this.#file, line: line.number, remedy });
  }
}

const COLUMNS = {
  beir: { count: 3, remedy: 'Use query id, document id and grade, separated by tabs' },
  trec: { count: 4, remedy: 'Use query id, 0, document id and grade, separated by spaces' },
};

function formatOf(line: string): JudgmentFormat {
  if (line.trimStart().startsWith('{') && !isWhole(line, 'beir')) return 'jsonl';
  return line.split('\t').length === COLUMNS.beir.count ? 'beir' : 'trec';
}

function fieldsOf(line: string, format: 'beir' | 'trec'): readonly string[] {
  const byTabs = line.split('\t');
  return format === 'beir' || byTabs.length === COLUMNS.trec.count ? byTabs : line.trim().split(/\s+/);
}

/** Whether a line has every column and a number, if perhaps not a whole one, in that of the grade. */
function isWhole(line: string, format: JudgmentFormat): boolean {
  if (format === 'jsonl') return false;
  const fields = fieldsOf(line, format);
  const { count } = COLUMNS[format];
  return fields.length === count && /^[+-]?(\d+\.?\d*|\.\d+)$/.test((fields[count - 1] ?? '').trim());
}

const GRADE_COLUMNS = new Set(['score', 'relevance', 'rel', 'grade', 'label', 'judgment', 'judgement']);

function isHeader(line: string): boolean {
  return GRADE_COLUMNS.has((line.split('\t')[2] ?? '').trim().toLowerCase());
}

/** Judgments of a file in any of the three forms. */
export async function readJudgments(source: ByteSource): Promise<Judgments> {
  const parser = new JudgmentParser(source.name);
  for await (const line of readLines(source)) parser.add(line);
  return parser.judgments;
}

/** Judgments from text that is in memory already. */
export function parseJudgments(text: string, file: string): Judgments {
  const parser = new JudgmentParser(file);
  text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .forEach((line, i) => parser.add({ text: line, number: i + 1 }));
  return parser.judgments;
}

/** Judgments of one query that are relevant at `level` or above. */
export function relevantDocuments(judgments: Judgments, queryId: string, level = 1): readonly string[] {
  const grades = judgments.get(queryId) ?? new Map<string, number>();
  return [...grades].filter(([, grade]) => grade >= level).map(([documentId]) => documentId);
}
