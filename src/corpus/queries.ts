import { InputError } from '../core/errors.ts';
import { ID_REMEDY, isId, JsonRecord } from './json-record.ts';
import { readLines } from './lines.ts';
import type { ReadReport } from './report.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource } from '../core/source.ts';
import type { QueriesBy, Query } from './types.ts';

const ID_KEYS = ['_id', 'id', 'query_id', 'qid'];
const TEXT_KEYS = ['text', 'query'];

/**
 * Queries from JSON lines ({"_id", "text"}, as in BEIR, with {"metadata": {"by": "model"}} where a model wrote them), or from lines of an id, a tab and a text (TREC topics).
 * The first line that is not empty decides. Holds all queries, each of at most 8 MiB with its line.
 *
 * @throws InputError naming the line: broken JSON, no text, an id that appeared before.
 */
export async function readQueries(
  source: ByteSource,
  { report }: { readonly report?: ReadReport } = {},
): Promise<readonly Query[]> {
  const queries: Query[] = [];
  const lineOf = new Map<string, number>();
  let isJson: boolean | undefined;
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue;
    isJson ??= line.text.trimStart().startsWith('{');
    const query = isJson
      ? jsonQuery(JsonRecord.parse(line, source.name, report))
      : tabbedQuery(line.text, source.name, line.number);
    const first = lineOf.get(query.id);
    if (first !== undefined) {
      throw new InputError(`the query id ${quoted(query.id)} is already used on line ${first}`, {
        file: source.name,
        line: line.number,
        remedy: 'Use a unique id for each query',
      });
    }
    lineOf.set(query.id, line.number);
    queries.push(query);
  }
  return queries;
}

function jsonQuery(record: JsonRecord): Query {
  const idKey = record.firstOf(ID_KEYS);
  if (idKey === undefined) throw record.error('the query has no id', 'Set "_id"');
  const textKey = record.firstOf(TEXT_KEYS);
  if (textKey === undefined) throw record.error('the query has no text', 'Set "text"');
  const by = madeBy(record.members.get('metadata'));
  return { id: record.id(idKey), text: record.text(textKey), ...(by !== undefined && { by }) };
}

/** What BEIR's `metadata` says of who made a query: `{"by": "model"}`. Anything else in it is not ours. */
function madeBy(metadata: unknown): QueriesBy | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('by' in metadata)) return undefined;
  const { by } = metadata;
  return by === 'model' || by === 'extract' ? by : undefined;
}

/** Who made the queries of a set, where not all of them were asked by people. */
export function queriesBy(queries: readonly Query[]): QueriesBy | undefined {
  const makers = new Set(queries.map(({ by }) => by));
  return makers.has('model') ? 'model' : makers.has('extract') ? 'extract' : undefined;
}

function tabbedQuery(text: string, file: string, line: number): Query {
  const tab = text.indexOf('\t');
  const id = text.slice(0, tab);
  if (tab === -1 || !isId(id)) {
    const remedy = tab === -1 ? 'Use id, tab and text, or one JSON object, on each line' : ID_REMEDY;
    throw new InputError('the query has no id', { file, line, remedy });
  }
  return { id, text: text.slice(tab + 1) };
}
