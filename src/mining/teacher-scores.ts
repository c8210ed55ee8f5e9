/**
 * Teacher scores made elsewhere: a file with one line for each pair, either tab-separated `query_id`, `id`, `score`
 * (a header line may come first) or JSON `{"query_id": "q1", "id": "d7", "score": 3.2}`.
 */

import { ID_REMEDY, isId, JsonRecord } from '../corpus/json-record.ts';
import { readLines, type Line } from '../corpus/lines.ts';
import { quoted } from '../corpus/shown.ts';
import type { ByteSource } from '../corpus/source.ts';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../host/errors.ts';
import { withTeacherScore } from './teacher.ts';

/** Query id → document id → raw score. */
export type TeacherScores = ReadonlyMap<string, ReadonlyMap<string, number>>;

interface ScoreLine {
  readonly queryId: string;
  readonly id: string;
  readonly score: number;
}

/**
 * Reads a file of scores; the first line that is not empty decides its form. A pair may stand twice with the same
 * score.
 *
 * @throws InputError naming the line.
 */
export async function readTeacherScores(source: ByteSource): Promise<TeacherScores> {
  const scores = new Map<string, Map<string, number>>();
  let parse: ((line: Line, file: string) => ScoreLine) | undefined;
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue;
    if (parse === undefined) {
      parse = line.text.trimStart().startsWith('{') ? parseJson : parseTsv;
      if (parse === parseTsv && isHeader(line.text)) continue;
    }
    const { queryId, id, score } = parse(line, source.name);
    const ofQuery = scores.get(queryId) ?? new Map<string, number>();
    const earlier = ofQuery.get(id);
    if (earlier !== undefined && earlier !== score) {
      throw new InputError(
        `query ${quoted(queryId)}, document ${quoted(id)} has the score ${score} here and ${earlier} before`,
        { file: source.name, line: line.number, remedy: 'Keep one of the two' },
      );
    }
    scores.set(queryId, ofQuery.set(id, score));
  }
  return scores;
}

function parseJson(line: Line, file: string): ScoreLine {
  const record = JsonRecord.parse(line, file);
  const score = record.number('score');
  if (score === undefined) throw record.error('"score" is missing', 'Give it as a finite number');
  return { queryId: record.id('query_id'), id: record.id('id'), score };
}

function parseTsv(line: Line, file: string): ScoreLine {
  const at = { file, line: line.number };
  const fields = line.text.split('\t');
  const [queryId = '', id = '', text = ''] = fields;
  if (fields.length !== 3) {
    throw new InputError(`has ${fields.length} columns`, {
      ...at,
      remedy: 'Write query id, document id and score, separated by tabs',
    });
  }
  if (!isId(queryId) || !isId(id)) throw new InputError('an id is not usable', { ...at, remedy: ID_REMEDY });
  const score = Number(text);
  if (text.trim() === '' || !Number.isFinite(score)) {
    throw new InputError(`the score ${quoted(text)} is not a number`, {
      ...at,
      remedy: 'Give a finite number',
    });
  }
  return { queryId, id, score };
}

/** A header names its last column; a line of data has a number there, if perhaps not a finite one. */
function isHeader(line: string): boolean {
  const last = (line.split('\t')[2] ?? '').trim();
  return /^[a-z_ -]+$/i.test(last) && !/^-?(nan|inf|infinity)$/i.test(last);
}

export interface TeacherScoresReport {
  readonly scored: number;
  /** Passages of the lists for which the file has no score: they are left without. */
  readonly missing: number;
  /** Pairs of the file that stand in no list. */
  readonly unused: number;
}

/** The lists with these raw scores in place of any that they had. */
export function withTeacherScores(
  lists: readonly ListRecord[],
  scores: TeacherScores,
): { readonly lists: readonly ListRecord[]; readonly report: TeacherScoresReport } {
  let scored = 0;
  let missing = 0;
  const used = new Map<string, Set<string>>();
  const result = lists.map((list) => {
    const ofQuery = scores.get(list.query_id);
    const usedOfQuery = used.get(list.query_id) ?? new Set<string>();
    used.set(list.query_id, usedOfQuery);
    const documents = list.documents.map((document) => {
      const score = ofQuery?.get(document.id);
      if (score === undefined) missing++;
      else {
        scored++;
        usedOfQuery.add(document.id);
      }
      return withTeacherScore(document, score);
    });
    return { ...list, documents };
  });
  let unused = 0;
  for (const [query, ofQuery] of scores) unused += ofQuery.size - (used.get(query)?.size ?? 0);
  return { lists: result, report: { scored, missing, unused } };
}
