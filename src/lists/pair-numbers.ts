/**
 * Numbers for pairs of a query and a document, made elsewhere: a file with one line for each pair, either
 * tab-separated `query_id`, `id`, number (a header line may come first) or JSON such as
 * `{"query_id": "q1", "id": "d7", "score": 3.2}`.
 */

import { ID_REMEDY, isId, JsonRecord } from '../corpus/json-record.ts';
import { readLines, type Line } from '../corpus/lines.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource } from '../core/source.ts';
import type { ListDocument, ListRecord } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';

/** Query id → document id → number. */
export type PairNumbers = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface PairLine {
  readonly queryId: string;
  readonly id: string;
  readonly value: number;
}

/**
 * Reads a file of numbers; the first line that is not empty decides its form. A pair may stand twice with the same
 * number.
 *
 * @param what the numbers are: their key in JSON, and their name in errors
 * @throws InputError naming the line.
 */
export async function readPairNumbers(source: ByteSource, what: 'score' | 'label'): Promise<PairNumbers> {
  const numbers = new Map<string, Map<string, number>>();
  let parse: typeof parseJson | undefined;
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue;
    if (parse === undefined) {
      parse = line.text.trimStart().startsWith('{') ? parseJson : parseTsv;
      if (parse === parseTsv && isHeader(line.text)) continue;
    }
    const { queryId, id, value } = parse(line, source.name, what);
    const ofQuery = numbers.get(queryId) ?? new Map<string, number>();
    const earlier = ofQuery.get(id);
    if (earlier !== undefined && earlier !== value) {
      throw new InputError(
        `query ${quoted(queryId)}, document ${quoted(id)} has the ${what} ${value} here and ${earlier} earlier`,
        { file: source.name, line: line.number, remedy: 'Remove one of the two' },
      );
    }
    numbers.set(queryId, ofQuery.set(id, value));
  }
  return numbers;
}

function parseJson(line: Line, file: string, what: string): PairLine {
  const record = JsonRecord.parse(line, file);
  const value = record.number(what);
  if (value === undefined) throw record.error(`"${what}" is missing`, 'Set it to a finite number');
  return { queryId: record.id('query_id'), id: record.id('id'), value };
}

function parseTsv(line: Line, file: string, what: string): PairLine {
  const at = { file, line: line.number };
  const fields = line.text.split('\t');
  const [queryId = '', id = '', text = ''] = fields;
  if (fields.length !== 3) {
    throw new InputError(`has ${fields.length} columns`, {
      ...at,
      remedy: `Use query id, document id and ${what}, separated by tabs`,
    });
  }
  if (!isId(queryId) || !isId(id)) throw new InputError('an id is not valid', { ...at, remedy: ID_REMEDY });
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new InputError(`the ${what} ${quoted(text)} is not a number`, {
      ...at,
      remedy: 'Use a finite number',
    });
  }
  return { queryId, id, value };
}

/** A header names its last column; a line of data has a number there, if perhaps not a finite one. */
function isHeader(line: string): boolean {
  const last = (line.split('\t')[2] ?? '').trim();
  return /^[a-z_ -]+$/i.test(last) && !/^-?(nan|inf|infinity)$/i.test(last);
}

/** The passage with this number in place of any that it had; without one where it is undefined. */
export function withNumber(
  document: ListDocument,
  field: 'guide' | 'model_label' | 'hand_label',
  value: number | undefined,
): ListDocument {
  const copy: { -readonly [Key in keyof ListDocument]: ListDocument[Key] } = { ...document };
  if (value === undefined) Reflect.deleteProperty(copy, field);
  else copy[field] = value;
  return copy;
}

export interface PairNumbersReport {
  /** Passages of the lists for which the file has a number. */
  readonly found: number;
  /** Passages for which it has none: they are left without. */
  readonly missing: number;
  /** Pairs of the file that stand in no list. */
  readonly unused: number;
}

/**
 * Puts numbers into lists.
 * @param place puts a number into a passage in place of any that it had, or takes that away where there is none
 */
export function withPairNumbers(
  lists: readonly ListRecord[],
  numbers: PairNumbers,
  place: (document: ListDocument, value: number | undefined) => ListDocument,
): { readonly lists: readonly ListRecord[]; readonly report: PairNumbersReport } {
  let found = 0;
  let missing = 0;
  const used = new Map<string, Set<string>>();
  const result = lists.map((list) => {
    const ofQuery = numbers.get(list.query_id);
    const usedOfQuery = used.get(list.query_id) ?? new Set<string>();
    used.set(list.query_id, usedOfQuery);
    const documents = list.documents.map((document) => {
      const value = ofQuery?.get(document.id);
      if (value === undefined) missing++;
      else {
        found++;
        usedOfQuery.add(document.id);
      }
      return place(document, value);
    });
    return { ...list, documents };
  });
  let unused = 0;
  for (const [query, ofQuery] of numbers) unused += ofQuery.size - (used.get(query)?.size ?? 0);
  return { lists: result, report: { found, missing, unused } };
}
