/** What columns are for, by the names that people give them and by what is in them. */
import { own } from '../core/own.ts';
import type { ColumnChoice, ColumnUse, TableRow } from './types.ts';

const NAMES: Readonly<Record<ColumnUse, readonly string[]>> = {
  'query-id': ['query_id', 'qid', 'queryid', 'topic_id', 'question_id'],
  'document-id': ['corpus_id', 'docid', 'doc_id', 'document_id', 'passage_id', 'pid', 'did'],
  grade: ['score', 'relevance', 'rel', 'grade', 'label', 'judgment', 'judgement', 'relevant'],
  query: ['query', 'question', 'queries', 'questions', 'anchor', 'prompt'],
  id: ['_id', 'id', 'docid', 'doc_id', 'pid', 'passage_id', 'document_id', 'corpus_id', 'key', 'uuid'],
  title: ['title', 'name', 'heading', 'headline', 'subject'],
  text: [
    ...[
      'text',
      'contents',
      'content',
      'passage',
      'body',
      'document',
      'context',
      'positive',
      'answer',
      'paragraph',
    ],
    ...['abstract', 'article', 'description', 'answers', 'summary', 'sentence', 'chunk'],
  ],
};

const USES: readonly ColumnUse[] = ['query-id', 'document-id', 'grade', 'query', 'id', 'title', 'text'];

function plain(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, '_');
}

/** The uses that a column's name stands for. */
export function nameUses(name: string): readonly ColumnUse[] {
  return USES.filter((use) => own(NAMES, use)?.includes(plain(name)));
}

/** The column for a use, by the order in which its names are known. */
export function columnFor(use: ColumnUse, columns: readonly string[]): string | undefined {
  const known = new Map(columns.map((column) => [plain(column), column]));
  for (const name of NAMES[use]) {
    const column = known.get(name);
    if (column !== undefined) return column;
  }
  return undefined;
}

/** The columns of texts, by their names; where none says so, the one with the longest texts. */
export function guessTextColumns(columns: readonly string[], rows: readonly TableRow[]): ColumnChoice {
  const title = columnFor('title', columns);
  const query = columnFor('query', columns);
  const named = columnFor('text', columns);
  const rest = columns.filter((column) => column !== query);
  const text = named ?? longestColumn(rest, rows);
  const id = columnFor('id', columns) ?? idColumn(rest, rows, text);
  const grade = columnFor('grade', columns);
  const queryId = columnFor('query-id', columns);
  const isPair = query !== undefined && query !== text;
  return {
    ...(text !== undefined && { text: [text] }),
    ...(id !== undefined && id !== text && !(isPair && id === queryId) && { id: [id] }),
    ...(title !== undefined && title !== text && title !== query && { title: [title] }),
    ...(isPair && { query: [query] }),
    ...(isPair && queryId !== undefined && queryId !== id && { 'query-id': [queryId] }),
    ...(isPair && grade !== undefined && isWhole(grade, rows) && { grade: [grade] }),
  };
}

function isWhole(column: string, rows: readonly TableRow[]): boolean {
  return rows.every(({ cells }) => /^\d+(\.0*)?$/.test(shownCell(cells.get(column)).trim()));
}

function longestColumn(columns: readonly string[], rows: readonly TableRow[]): string | undefined {
  let longest: string | undefined;
  let most = 0;
  for (const column of columns) {
    let characters = 0;
    for (const { cells } of rows) {
      const value = cells.get(column);
      if (typeof value === 'string') characters += value.length;
    }
    if (characters > most) [longest, most] = [column, characters];
  }
  return longest;
}

/** A first column without a name for it whose values are short, different and without spaces. */
function idColumn(
  columns: readonly string[],
  rows: readonly TableRow[],
  text: string | undefined,
): string | undefined {
  const [first] = columns;
  if (first === undefined || first === text || !/^\d+$/.test(first) || rows.length < 2) return undefined;
  const values = rows.map(({ cells }) => shownCell(cells.get(first)));
  const isIds = values.every((value) => /^\S{1,100}$/.test(value)) && new Set(values).size === values.length;
  return isIds ? first : undefined;
}

/** A cell for people: text as it is, everything else as JSON. */
export function shownCell(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  if (typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part));
  } catch {
    return '…';
  }
}
