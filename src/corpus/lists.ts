/**
 * Training lists in and out: the studio's own records and the lines of three other tools, distinguished by their
 * keys. One JSON object per line, one query per object:
 *
 * - studio: {"query_id", "query", "answers"?, "documents": [{"id", "text", "label"?, "teacher"?, "source"?, …}]}
 * - sentence-transformers: {"anchor", "positive", "negative"} with `negative_1`, `negative_2` … for more, `query`
 *   for `anchor`, and the teacher's scores of the passages, in order, as a list "scores" or "label"
 * - Tevatron: {"query_id", "query", "positive_passages", "negative_passages"}, passages {"docid", "title", "text"}
 * - FlagEmbedding: {"query", "pos": ["…"], "neg": ["…"], "pos_scores"?, "neg_scores"?}
 *
 * Where a form has no ids they are made from the texts, so that equal texts have equal ids.
 */

import { JsonRecord } from './json-record.ts';
import type { TitleOptions } from './documents.ts';
import { checkPassageSize, ID_KEYS, MAX_PASSAGE_BYTES, passageText, TEXT_KEYS } from './documents.ts';
import { InputError } from '../core/errors.ts';
import { readLines } from './lines.ts';
import { ReadReport } from './report.ts';
import { quoted } from '../core/shown.ts';
import { readThrough, type ByteSource } from '../core/source.ts';
import { isPositive, textId } from './text-key.ts';
import type { ListDocument, ListRecord } from './types.ts';

export type ListFormat = 'studio' | 'sentence-transformers' | 'tevatron' | 'flagembedding';

/** Lists that people train on have some 100 KiB. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

export interface ListReadOptions extends TitleOptions {
  /** Bytes of text in one passage. Default: 1 MiB. */
  readonly maxPassageBytes?: number;
  /** Bytes of one line. Default: 16 MiB. */
  readonly maxLineBytes?: number;
  readonly report?: ReadReport;
  /** The texts of a corpus's passages by id, for documents of the studio's own form that have none. */
  readonly textsOf?: (ids: ReadonlySet<string>) => Promise<ReadonlyMap<string, string>>;
}

/** Lists whose missing texts are looked up at once: a large corpus is read anew for each lookup. */
const mostLookedUp = 50_000;

/**
 * The lists of a file, one at a time. Passages without text are left out and counted, and so are lists in which
 * nothing is left.
 *
 * @throws InputError naming file, line and remedy.
 */
export async function* readLists(
  source: ByteSource,
  options: ListReadOptions = {},
): AsyncGenerator<ListRecord> {
  const { titles = true, maxPassageBytes = MAX_PASSAGE_BYTES, maxLineBytes = MAX_LIST_BYTES } = options;
  const report = options.report ?? new ReadReport();
  const waiting: ListRecord[] = [];
  for await (const line of readLines(source, { maxLineBytes })) {
    if (line.text.trim() === '') continue;
    const json = JsonRecord.parse(line, source.name, report);
    const list = PARSERS[listFormat(json)](json, titles);
    checkDocuments(json, list, { file: source.name, line: line.number, maxPassageBytes });
    waiting.push(list);
    if (options.textsOf === undefined || waiting.length === mostLookedUp) yield* finish();
  }
  yield* finish();

  async function* finish(): AsyncGenerator<ListRecord> {
    const lists = waiting.splice(0);
    const without = lists.flatMap(({ documents }) => documents.filter(isEmpty).map(({ id }) => id));
    const texts = without.length === 0 ? undefined : await options.textsOf?.(new Set(without));
    for (const list of lists) {
      const known = list.documents.map((each) =>
        isEmpty(each) ? { ...each, text: texts?.get(each.id) ?? '' } : each,
      );
      const documents = known.filter((each) => !isEmpty(each));
      report.emptyTexts += known.length - documents.length;
      if (documents.length === 0 || list.query.trim() === '') {
        report.emptyLists++;
        continue;
      }
      report.lists++;
      yield { ...list, documents };
    }
  }
}

function isEmpty({ text }: ListDocument): boolean {
  return text.trim() === '';
}

/** @throws InputError unless every line is one of a file of lists; nothing of it is kept */
export async function checkLists(source: ByteSource): Promise<void> {
  if ((await readThrough(readLists(source))) === 0) throw noLists(source.name);
}

/** The error of a file without lists. */
export function noLists(file: string): InputError {
  return new InputError('contains no training lists', { file, remedy: 'Use a file with one list per line' });
}

function listFormat(json: JsonRecord): ListFormat {
  if (json.has('documents')) return 'studio';
  if (json.has('positive_passages')) return 'tevatron';
  if (json.has('pos')) return 'flagembedding';
  if (json.has('positive')) return 'sentence-transformers';
  if (json.firstOf(ID_KEYS) !== undefined && json.firstOf(TEXT_KEYS) !== undefined) {
    throw json.error(
      `this looks like a corpus (${json.keys.slice(0, 4).map(quoted).join(', ')}), not training lists`,
      'Use a file of training lists; a corpus is a folder or zip with corpus.jsonl, queries.jsonl and qrels/',
    );
  }
  throw json.error(
    `no format of training lists has the keys ${json.keys.slice(0, 8).map(quoted).join(', ') || '(none)'}`,
    'Use query_id, query and documents; or anchor, positive and negative; or query, positive_passages and ' +
      'negative_passages; or query, pos and neg',
  );
}

const PARSERS: Readonly<Record<ListFormat, (json: JsonRecord, titles: boolean) => ListRecord>> = {
  studio: (json) => ({
    query_id: json.id('query_id'),
    query: json.text('query'),
    ...(json.has('query_type') && { query_type: json.text('query_type') }),
    ...(json.has('answers') && { answers: json.texts('answers') }),
    ...(json.has('origin') && { origin: json.text('origin') }),
    documents: json.records('documents').map(parseDocument),
  }),

  tevatron: (json, titles) => {
    const passages = (key: string, label: 0 | 1): ListDocument[] =>
      json.records(key).map((passage) => ({
        id: passage.id('docid'),
        text: passageText({ id: '', title: passage.text('title'), text: passage.text('text') }, { titles }),
        label,
        source: SOURCES[label],
      }));
    return {
      query_id: json.id('query_id'),
      query: json.text('query'),
      documents: [...passages('positive_passages', 1), ...passages('negative_passages', 0)],
    };
  },

  flagembedding: (json) => {
    const scored = (key: string, label: 0 | 1): ListDocument[] => {
      const scores = json.numbers(`${key}_scores`);
      const texts = json.texts(key);
      checkScores(json, scores, texts.length, `${key}_scores`);
      return texts.map((text, i) => listDocument(text, label, scores?.[i]));
    };
    return listOf(json.text('query'), [...scored('pos', 1), ...scored('neg', 0)]);
  },

  'sentence-transformers': (json) => {
    const queryKey = json.has('anchor') ? 'anchor' : 'query';
    const positives = json.texts('positive');
    const negatives = negativeKeys(json).flatMap((key) => json.texts(key));
    const scoreKey = json.firstOf(['scores', 'score', 'labels', 'label']);
    const scores = scoreKey === undefined ? undefined : json.numbers(scoreKey);
    checkScores(json, scores, positives.length + negatives.length, scoreKey ?? '');
    return listOf(
      json.text(queryKey),
      [...positives, ...negatives].map((text, i) =>
        listDocument(text, i < positives.length ? 1 : 0, scores?.[i]),
      ),
    );
  },
};

/** The source of a passage where the line does not tell: it was given as a negative, or as a positive. */
const SOURCES = ['given', 'gold'] as const;

function listOf(query: string, documents: readonly ListDocument[]): ListRecord {
  return { query_id: textId('query', query), query, documents };
}

function listDocument(text: string, label: 0 | 1, teacher: number | undefined): ListDocument {
  const document = { id: textId('text', text), text, label, source: SOURCES[label] };
  return teacher === undefined ? document : { ...document, teacher };
}

function parseDocument(json: JsonRecord): ListDocument {
  const optional = {
    label: json.number('label'),
    teacher: json.number('teacher'),
    teacherRaw: json.number('teacher_raw'),
    guide: json.number('guide'),
    modelLabel: json.number('model_label'),
    handLabel: json.number('hand_label'),
    rank: json.number('rank'),
    ranks: json.namedNumbers('ranks'),
  };
  if (optional.rank !== undefined && !isRank(optional.rank)) {
    throw json.error('"rank" is not a rank', 'Use a whole number from 1, or remove it');
  }
  if (!Object.values(optional.ranks ?? {}).every(isRank)) {
    throw json.error(
      '"ranks" contains something that is not a rank',
      'Use whole numbers from 1, or remove it',
    );
  }
  const verdicts = json.strings('verdicts');
  return {
    id: json.id('id'),
    text: json.text('text'),
    ...(optional.label !== undefined && { label: optional.label }),
    ...(optional.teacher !== undefined && { teacher: optional.teacher }),
    ...(optional.teacherRaw !== undefined && { teacher_raw: optional.teacherRaw }),
    ...(optional.guide !== undefined && { guide: optional.guide }),
    ...(optional.modelLabel !== undefined && { model_label: optional.modelLabel }),
    ...(optional.handLabel !== undefined && { hand_label: optional.handLabel }),
    source: json.text('source') || SOURCES[0],
    ...(json.has('prompt') && { prompt: json.text('prompt') }),
    ...(optional.rank !== undefined && { rank: optional.rank }),
    ...(optional.ranks !== undefined && { ranks: optional.ranks }),
    ...(verdicts !== undefined && { verdicts }),
  };
}

function isRank(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** `negative`, `negative_1`, `negative_2` … that are present, in the order of their numbers. */
function negativeKeys(json: JsonRecord): readonly string[] {
  return json.keys
    .filter((key) => /^negative(_\d{1,6})?$/.test(key))
    .sort((a, b) => Number(a.slice(9)) - Number(b.slice(9)));
}

function checkScores(
  json: JsonRecord,
  scores: readonly number[] | undefined,
  passages: number,
  key: string,
): void {
  if (scores === undefined || scores.length === passages) return;
  throw json.error(
    `"${key}" has ${scores.length} scores for ${passages} passages`,
    'Use one score for each passage',
  );
}

/** Within one list an id names one text, and no passage is over the limit. */
function checkDocuments(
  json: JsonRecord,
  list: ListRecord,
  place: { file: string; line: number; maxPassageBytes: number },
): void {
  const texts = new Map<string, string>();
  for (const { id, text } of list.documents) {
    checkPassageSize('', text, place);
    if ((texts.get(id) ?? text) !== text) {
      throw json.error(
        `the document id ${quoted(id)} is used for two texts`,
        'Use a unique id for each text',
      );
    }
    texts.set(id, text);
  }
}

export interface ListWriteOptions {
  /** Negatives in each line; lists with fewer are left out, for readers that want equal columns. Default: all. */
  readonly negatives?: number;
  /** Write teacher scores where every passage of the line has one. Default: true. */
  readonly teacherScores?: boolean;
}

/**
 * A list as lines (without line ends) of a form. sentence-transformers gets a line for each positive; a list
 * without positives, or with too few negatives, gives no line in any form but the studio's own.
 */
export function formatList(
  list: ListRecord,
  format: ListFormat,
  { negatives: wanted, teacherScores = true }: ListWriteOptions = {},
): readonly string[] {
  if (format === 'studio') return [JSON.stringify(list)];
  const positives = list.documents.filter((document) => isPositive(document));
  const negatives = list.documents.filter((document) => !isPositive(document)).slice(0, wanted);
  if (positives.length === 0 || (wanted !== undefined && negatives.length < wanted)) return [];
  return FORMATTERS[format](list, positives, negatives, teacherScores).map((line) => JSON.stringify(line));
}

type Formatter = (
  list: ListRecord,
  positives: readonly ListDocument[],
  negatives: readonly ListDocument[],
  teacherScores: boolean,
) => readonly object[];

const FORMATTERS: Readonly<Record<Exclude<ListFormat, 'studio'>, Formatter>> = {
  'sentence-transformers': (list, positives, negatives, teacherScores) =>
    positives.map((positive) => {
      const scores = teacherScores ? scoresOf([positive, ...negatives]) : undefined;
      const named = negatives.map(({ text }, i): [string, string] => [
        negatives.length === 1 ? 'negative' : `negative_${i + 1}`,
        text,
      ]);
      return {
        anchor: list.query,
        positive: positive.text,
        ...Object.fromEntries(named),
        ...(scores && { label: scores }),
      };
    }),

  tevatron: (list, positives, negatives) => {
    const passage = ({ id, text }: ListDocument): object => ({ docid: id, title: '', text });
    return [
      {
        query_id: list.query_id,
        query: list.query,
        positive_passages: positives.map(passage),
        negative_passages: negatives.map(passage),
      },
    ];
  },

  flagembedding: (list, positives, negatives, teacherScores) => {
    const scores = teacherScores ? scoresOf([...positives, ...negatives]) : undefined;
    return [
      {
        query: list.query,
        pos: positives.map(({ text }) => text),
        neg: negatives.map(({ text }) => text),
        ...(scores && {
          pos_scores: scores.slice(0, positives.length),
          neg_scores: scores.slice(positives.length),
        }),
      },
    ];
  },
};

/** The teacher's scores, or undefined unless there is one for each document. */
function scoresOf(documents: readonly ListDocument[]): readonly number[] | undefined {
  const scores = documents.flatMap(({ teacher }) => teacher ?? []);
  return scores.length === documents.length ? scores : undefined;
}

/** The lines of many lists, each with its line end. `onSkipped` is called for each list that gives none. */
export async function* writeLists(
  lists: Iterable<ListRecord> | AsyncIterable<ListRecord>,
  format: ListFormat,
  options: ListWriteOptions & { readonly onSkipped?: (list: ListRecord) => void } = {},
): AsyncGenerator<string> {
  for await (const list of lists) {
    const lines = formatList(list, format, options);
    if (lines.length === 0) options.onSkipped?.(list);
    for (const line of lines) yield `${line}\n`;
  }
}
