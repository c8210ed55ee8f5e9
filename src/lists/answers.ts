/**
 * Answers of queries, made elsewhere: a file with one line for each answer, tab-separated `query_id` and text, or for
 * each query, JSON such as `{"query_id": "q1", "answers": ["Paris"]}`. A query may stand on several lines.
 */

import { ID_REMEDY, isId, JsonRecord } from '../corpus/json-record.ts';
import { readLines, type Line } from '../corpus/lines.ts';
import type { ByteSource } from '../core/source.ts';
import type { ListRecord } from '../corpus/types.ts';
import { InputError } from '../core/errors.ts';

/** Query id → its answers. */
export type Answers = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a file of answers; the first line that is not empty decides its form.
 * @throws InputError naming the line.
 */
export async function readAnswers(source: ByteSource): Promise<Answers> {
  const answers = new Map<string, Set<string>>();
  let parse: typeof parseJson | undefined;
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue;
    parse ??= line.text.trimStart().startsWith('{') ? parseJson : parseTsv;
    const { queryId, texts } = parse(line, source.name);
    const known = answers.get(queryId) ?? new Set();
    for (const text of texts) if (text.trim() !== '') known.add(text);
    answers.set(queryId, known);
  }
  return new Map([...answers].map(([queryId, texts]) => [queryId, [...texts]]));
}

interface AnswerLine {
  readonly queryId: string;
  readonly texts: readonly string[];
}

function parseJson(line: Line, file: string): AnswerLine {
  const record = JsonRecord.parse(line, file);
  return { queryId: record.id('query_id'), texts: record.texts('answers') };
}

function parseTsv({ text, number }: Line, file: string): AnswerLine {
  const at = { file, line: number };
  const [queryId = '', answer = '', ...rest] = text.split('\t');
  if (answer === '' || rest.length > 0) {
    throw new InputError(`has ${answer === '' ? 1 : 2 + rest.length} columns`, {
      ...at,
      remedy: 'Use query id and answer, separated by a tab',
    });
  }
  if (!isId(queryId)) throw new InputError('an id is not valid', { ...at, remedy: ID_REMEDY });
  return { queryId, texts: [answer] };
}

/** The lists with these answers in place of any that they had; queries without any keep none. */
export function withAnswers(lists: readonly ListRecord[], answers: Answers): readonly ListRecord[] {
  return lists.map((list) => {
    const copy: { -readonly [Key in keyof ListRecord]: ListRecord[Key] } = { ...list };
    delete copy.answers;
    const own = answers.get(list.query_id);
    if (own !== undefined) copy.answers = own;
    return copy;
  });
}
