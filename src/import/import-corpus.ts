/**
 * From files to a corpus in BEIR's layout: corpus.jsonl, and queries.jsonl with qrels/ where the files have questions or
 * judgments.
 *
 * Texts stream: memory grows with their number (ids, and 500 bytes each to find duplicates), not with their length.
 * What is written is complete only when the last file has been read to its end; an error or an abort before that must
 * discard it.
 */
import { InputError } from '../core/errors.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { quoted } from '../core/shown.ts';
import type { ByteSource } from '../core/source.ts';
import { yielding } from '../core/waiting.ts';
import { checkPassageSize, MAX_PASSAGE_BYTES } from '../corpus/documents.ts';
import { JudgmentParser } from '../corpus/judgments.ts';
import { isId } from '../corpus/json-record.ts';
import { readLines } from '../corpus/lines.ts';
import { splitByPassage } from '../corpus/split.ts';
import { textKey } from '../corpus/text-key.ts';
import type { ListRecord } from '../corpus/types.ts';
import { completeFile, type DetectedFile, type Detection } from './detect.ts';
import { cellsOf, readTexts, rowsOf, type ImportedText } from './documents.ts';
import { utf8Source } from './encoding.ts';
import type { HubRecord } from './hub-dataset.ts';
import { DuplicateFinder } from './near-duplicates.ts';
import { splitName } from './split-name.ts';
import { DEFAULT_SPLIT, splitText, type TextSplit } from './split-texts.ts';
import { TextLengths, type LengthReport, type TokenCounter } from './text-lengths.ts';
import type { FileFormat, ImportKind } from './types.ts';

export interface ImportOptions {
  /** By default, Markdown, HTML and PDF become passages of 180 words and rows stay whole. */
  readonly split?: TextSplit | undefined;
  /** Keeps equal and nearly equal texts. A benchmark always keeps them: its figures are compared with others'. */
  readonly keepDuplicates?: boolean | undefined;
  /** Of the questions beside texts, the share that becomes test queries; the others are train queries. Default: 0.2. */
  readonly testShare?: number | undefined;
  /** Draws the test queries. */
  readonly seed?: number | undefined;
  /** Of an encoder, whose limit the lengths are compared with. */
  readonly tokens?: TokenCounter | undefined;
  /** Where the files come from, for import.json. */
  readonly origins?: readonly HubRecord[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

export interface ImportProgress {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly passages: number;
}

/** A file of the corpus; its content is read once. */
export interface CorpusFile {
  readonly path: string;
  readonly content: AsyncIterable<string>;
}

// A type alias, so that it is assignable to Json.
export type ImportReport = Readonly<{
  kind: ImportKind;
  files: readonly Readonly<{ path: string; format: FileFormat; role: string; bytes: number }>[];
  /** Data sets of a hub that the files are of. */
  origins: readonly HubRecord[];
  /** Texts that were read, and the passages that they became. */
  texts: number;
  passages: number;
  /** Left out because an earlier passage is the same, or nearly so. */
  exactDuplicates: number;
  nearDuplicates: number;
  /** The first duplicates: where each is, and the id of the earlier passage. */
  duplicateExamples: readonly Readonly<{ place: string; of: string }>[];
  emptyTexts: number;
  queries: number;
  /** Judgments by split. */
  judgments: Readonly<Record<string, number>>;
  /** Judged queries by split. */
  judgedQueries: Readonly<Record<string, number>>;
  lengths: LengthReport;
  /** One line for each thing a user should know. */
  warnings: readonly string[];
}>;

export interface CorpusImport {
  /** The files of the corpus, each to be read to its end before the next. @throws InputError naming file and line */
  readonly files: () => AsyncGenerator<CorpusFile>;
  /** After the last file. */
  readonly report: () => ImportReport;
}

/** @throws InputError if the files have no texts */
export function importCorpus(detection: Detection, options: ImportOptions = {}): CorpusImport {
  const texts = detection.files.filter(({ role }) => role === 'texts' || role === 'pairs');
  if (texts.length === 0) {
    const [first] = detection.files;
    const isLists = detection.kind === 'training lists';
    throw new InputError(
      isLists
        ? `contains ${first?.role === 'generations' ? 'a generation log' : 'training lists'}, not texts`
        : 'contains no texts',
      {
        file: detection.files.length === 1 ? first?.source.name : undefined,
        remedy: isLists
          ? 'Use it as it is (command line: --lists of train, mine and filter), or use files with texts'
          : 'Use the corpus of these queries as well, or choose a column of texts (command line: --columns text=NAME)',
      },
    );
  }
  const work = new Import(detection, texts, options);
  return { files: () => work.files(), report: () => work.report() };
}

const PROGRESS_MILLISECONDS = 100;
const WRITTEN_CHARACTERS = 1 << 16;
const MAX_PASSAGES = 20_000_000;
const EXAMPLES = 5;

interface Query {
  readonly id: string;
  readonly text: string;
}

class Import {
  readonly #detection: Detection;
  readonly #texts: readonly DetectedFile[];
  readonly #options: ImportOptions;
  readonly #turn: () => Promise<void> | undefined;
  readonly #finder: DuplicateFinder;
  readonly #leavesOut: boolean;
  readonly #lengths = new TextLengths();
  readonly #warnings: string[] = [];
  readonly #examples: { readonly place: string; readonly of: string }[] = [];
  /** The ids of passages by number. */
  readonly #ids: string[] = [];
  /** Where each id of a text or passage was used: file and line in one number. */
  readonly #placeOf = new Map<string, number>();
  /** The passages of a text whose only passage does not have its id. */
  readonly #passagesOf = new Map<string, readonly string[]>();
  readonly #queries = new Map<string, Query>();
  /** Query id → passage id → grade. */
  readonly #pairs = new Map<string, Map<string, number>>();
  readonly #judgments: Record<string, number> = {};
  readonly #judgedQueries: Record<string, number> = {};
  readonly #bytes = new Map<string, number>();
  #lengthReport: LengthReport | undefined;
  #textCount = 0;
  #exact = 0;
  #near = 0;
  #empty = 0;
  #firstEmpty = '';
  #splitJudged = 0;
  #told = 0;

  constructor(detection: Detection, texts: readonly DetectedFile[], options: ImportOptions) {
    this.#detection = detection;
    this.#texts = texts.map((file) => ({ ...file, source: this.#watched(file) }));
    this.#options = options;
    this.#turn = yielding(options.signal);
    this.#leavesOut = options.keepDuplicates !== true && detection.kind !== 'benchmark';
    this.#finder = new DuplicateFinder({ isNear: this.#leavesOut });
  }

  async *files(): AsyncGenerator<CorpusFile> {
    yield { path: 'corpus.jsonl', content: this.#corpus() };
    this.#lengthReport = await this.#lengths.report(this.#options.tokens, this.#turn);
    for (const file of this.#filesOf('queries')) await this.#readQueries(await completeFile(file));
    const splits = await this.#readJudgments();
    if (this.#queries.size > 0) yield { path: 'queries.jsonl', content: this.#queryLines() };
    for (const [name, judgments] of splits) {
      yield { path: `qrels/${name}.tsv`, content: this.#judgmentLines(judgments) };
    }
    this.#tell(true);
    yield { path: 'import.json', content: lines([`${canonicalJson(this.report())}\n`]) };
  }

  report(): ImportReport {
    if (this.#lengthReport === undefined) throw new Error('the report is made when all files have been read');
    return {
      kind: this.#detection.kind,
      files: this.#detection.files.map(({ path, format, role, source }) => ({
        path,
        format,
        role,
        bytes: source.size,
      })),
      origins: this.#options.origins ?? [],
      texts: this.#textCount,
      passages: this.#ids.length,
      exactDuplicates: this.#exact,
      nearDuplicates: this.#near,
      duplicateExamples: this.#examples,
      emptyTexts: this.#empty,
      queries: this.#queries.size,
      judgments: this.#judgments,
      judgedQueries: this.#judgedQueries,
      lengths: this.#lengthReport,
      warnings: this.#allWarnings(),
    };
  }

  #allWarnings(): readonly string[] {
    const { leftOut } = this.#detection;
    const reasons = new Map<string, number>();
    for (const { reason } of leftOut) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    const listed = [...reasons].map(([reason, count]) => `${reason}: ${count}`).join(', ');
    return [
      ...(leftOut.length > 0 ? [`files that are not imported: ${leftOut.length} (${listed})`] : []),
      ...(this.#empty > 0
        ? [`texts without words: ${this.#empty} (excluded; the first is ${this.#firstEmpty})`]
        : []),
      ...(this.#splitJudged > 0
        ? [`judged texts that were split: ${this.#splitJudged} (each of their passages has their grade)`]
        : []),
      ...this.#warnings,
    ];
  }

  #filesOf(role: DetectedFile['role']): readonly DetectedFile[] {
    return this.#detection.files
      .filter((file) => file.role === role)
      .map((file) => ({ ...file, source: this.#watched(file) }));
  }

  async *#corpus(): AsyncGenerator<string> {
    let written = '';
    for (const [at, taken] of this.#texts.entries()) {
      const file = await completeFile(taken);
      for await (const text of readTexts(file, this.#options.signal)) {
        await this.#turn();
        written += this.#addText(text, file, at);
        if (written.length < WRITTEN_CHARACTERS) continue;
        yield written;
        written = '';
        this.#tell();
      }
    }
    if (this.#ids.length === 0) {
      const [only] = this.#texts;
      throw new InputError('contains no texts', {
        file: this.#texts.length === 1 ? only?.source.name : undefined,
        remedy:
          'Use files with at least one text, or choose another column of texts (command line: --columns text=NAME)',
      });
    }
    yield written;
  }

  /** @returns the lines of the passages that are new */
  #addText(text: ImportedText, file: DetectedFile, at: number): string {
    const { document, question } = text;
    this.#textCount++;
    const place = `${file.source.name}:${document.line}`;
    const passages = splitText(document, this.#splitOf(file));
    const id = document.id ?? this.#newId(file, document.line);
    const isRepeated = document.id !== undefined && this.#placeOf.has(id);
    const added: string[] = [];
    let lines = '';
    let count = 0;
    for (const { title, text: words, page } of passages) {
      count++;
      const whole = title === '' ? words : `${title} ${words}`;
      checkPassageSize(title, words, {
        file: file.source.name,
        line: document.line,
        maxPassageBytes: MAX_PASSAGE_BYTES,
      });
      const compares = this.#leavesOut || file.role === 'pairs' || isRepeated;
      const same = this.#finder.add(whole, this.#ids.length);
      const found = compares ? same : undefined;
      if (found !== undefined && (this.#leavesOut || found.kind === 'exact')) {
        const of = this.#ids[found.of] ?? '';
        if (found.kind === 'exact') this.#exact++;
        else this.#near++;
        if (this.#examples.length < EXAMPLES) this.#examples.push({ place, of });
        added.push(of);
        continue;
      }
      if (isRepeated) throw this.#repeatedId(id, file, document.line);
      const passage = this.#freeId(count === 1 ? id : `${id}-${count}`, id);
      this.#ids.push(passage);
      if (this.#ids.length > MAX_PASSAGES) {
        throw new InputError(`more than ${MAX_PASSAGES} passages`, { remedy: 'Use a part of the texts' });
      }
      this.#placeOf.set(passage, at * 2 ** 32 + document.line);
      added.push(passage);
      this.#lengths.add(whole);
      const metadata =
        file.layout === undefined
          ? { file: file.path, ...(page === undefined ? { line: document.line } : { page }) }
          : undefined;
      lines += `${JSON.stringify({ _id: passage, title, text: words, ...(metadata && { metadata }) })}\n`;
    }
    if (count === 0) {
      if (this.#empty++ === 0) this.#firstEmpty = place;
      return '';
    }
    if (!this.#placeOf.has(id)) this.#placeOf.set(id, at * 2 ** 32 + document.line);
    if (added.length !== 1 || added[0] !== id) this.#passagesOf.set(id, [...new Set(added)]);
    if (question !== undefined) this.#addPair(question, added, file, document.line);
    return lines;
  }

  #splitOf(file: DetectedFile): TextSplit {
    if (this.#options.split !== undefined) return this.#options.split;
    return file.layout === undefined && file.format !== 'text' ? DEFAULT_SPLIT : { by: 'none' };
  }

  #newId(file: DetectedFile, line: number): string {
    const prefix = this.#texts.length === 1 ? '' : `${file.path.replace(/\s/g, '_')}:`;
    return this.#freeId(`${prefix}${line}`);
  }

  /** @param own an id that the text itself may have */
  #freeId(wanted: string, own?: string): string {
    let id = wanted;
    while (this.#placeOf.has(id) && id !== own) id += '_';
    if (isId(id)) return id;
    return this.#freeId(id.replace(/[\t\r\n]/g, '_') || '_', own);
  }

  #repeatedId(id: string, file: DetectedFile, line: number): InputError {
    const place = this.#placeOf.get(id) ?? 0;
    const other = this.#texts[Math.floor(place / 2 ** 32)];
    const first = `line ${place % 2 ** 32}${other === undefined || other.path === file.path ? '' : ` of ${other.path}`}`;
    return new InputError(`the id ${quoted(id)} is already used on ${first}`, {
      file: file.source.name,
      line,
      remedy:
        'Use a unique id for each text, or choose another column of ids (command line: --columns id=NAME)',
    });
  }

  #addPair(
    question: NonNullable<ImportedText['question']>,
    passages: readonly string[],
    file: DetectedFile,
    line: number,
  ): void {
    const key = question.id ?? textKey(question.text);
    const query =
      this.#queries.get(key) ??
      this.#addQuery(key, question.id ?? `q${this.#queries.size + 1}`, question.text);
    if (textKey(query.text) !== textKey(question.text)) throw otherQuery(question.id ?? '', file, line);
    const grades = this.#pairs.get(query.id) ?? new Map<string, number>();
    this.#pairs.set(query.id, grades);
    for (const passage of passages)
      grades.set(passage, Math.max(question.grade, grades.get(passage) ?? question.grade));
    if (passages.length > 1) this.#splitJudged++;
  }

  #addQuery(key: string, id: string, text: string): Query {
    const query = { id, text };
    this.#queries.set(key, query);
    return query;
  }

  async #readQueries(file: DetectedFile): Promise<void> {
    const cells = cellsOf(file);
    for await (const row of rowsOf(file)) {
      await this.#turn();
      const text = cells.text(row, 'query').trim();
      if (text === '') continue;
      const id = cells.id(row, 'query-id') ?? `q${this.#queries.size + 1}`;
      const known = this.#queries.get(id);
      if (known === undefined) this.#addQuery(id, id, text);
      else if (textKey(known.text) !== textKey(text)) throw otherQuery(id, file, row.line);
    }
  }

  /** Judgments by split: those of files, and those of questions beside their texts. */
  async #readJudgments(): Promise<ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, number>>>> {
    const splits = new Map<string, Map<string, Map<string, number>>>();
    const files = this.#filesOf('judgments');
    let known = 0;
    let unknown = 0;
    let first: InputError | undefined;
    for (const taken of files) {
      const file = await completeFile(taken);
      const name = splitName(file.path);
      const split = splits.get(name) ?? new Map<string, Map<string, number>>();
      splits.set(name, split);
      for await (const { queryId, documentId, grade, line } of judgmentsOf(file)) {
        await this.#turn();
        const passages =
          this.#passagesOf.get(documentId) ?? (this.#placeOf.has(documentId) ? [documentId] : []);
        const isQuery = this.#queries.has(queryId);
        if (passages.length === 0 || !isQuery) {
          unknown++;
          const what = isQuery ? `text ${quoted(documentId)}` : `query ${quoted(queryId)}`;
          first ??= new InputError(`judges the ${what}, which no file has`, {
            file: file.source.name,
            line,
            remedy: 'Use texts, queries and judgments of the same collection',
          });
          continue;
        }
        known++;
        if (passages.length > 1) this.#splitJudged++;
        const grades = split.get(queryId) ?? new Map<string, number>();
        split.set(queryId, grades);
        for (const passage of passages) grades.set(passage, Math.max(grade, grades.get(passage) ?? grade));
      }
    }
    if (first !== undefined && known === 0) throw first;
    if (first !== undefined)
      this.#warnings.push(
        `judgments of unknown texts or queries: ${unknown} (excluded; ${first.file}:${first.line} ${first.problem})`,
      );
    for (const [name, pairs] of this.#splitPairs()) {
      const split = splits.get(name) ?? new Map<string, Map<string, number>>();
      splits.set(name, split);
      for (const [query, grades] of pairs) split.set(query, grades);
    }
    for (const [name, split] of splits) {
      if (split.size === 0) splits.delete(name);
      else {
        this.#judgments[name] = [...split.values()].reduce((sum, { size }) => sum + size, 0);
        this.#judgedQueries[name] = split.size;
      }
    }
    return splits;
  }

  /** Questions that share a passage are on one side; where too few would be test queries, all are. */
  #splitPairs(): ReadonlyMap<string, Map<string, Map<string, number>>> {
    if (this.#pairs.size === 0) return new Map();
    const { testShare = 0.2, seed = 0 } = this.#options;
    const lists = [...this.#pairs].map(([query_id, grades]): ListRecord => ({
      query_id,
      query: query_id,
      documents: [...grades].map(([id, label]) => ({ id, text: '', label, source: 'gold' })),
    }));
    const isTest = new Set<string>(testShare >= 1 ? this.#pairs.keys() : []);
    if (testShare > 0 && testShare < 1 && Math.round(lists.length * testShare) > 0) {
      try {
        for (const { query_id } of splitByPassage(lists, testShare, seed).dev) isTest.add(query_id);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }
    if (testShare > 0 && isTest.size === 0) for (const query of this.#pairs.keys()) isTest.add(query);
    const test = new Map([...this.#pairs].filter(([query]) => isTest.has(query)));
    const train = new Map([...this.#pairs].filter(([query]) => !isTest.has(query)));
    return new Map([
      ['test', test],
      ['train', train],
    ]);
  }

  async *#queryLines(): AsyncGenerator<string> {
    for (const { id, text } of this.#queries.values()) {
      await this.#turn();
      yield `${JSON.stringify({ _id: id, text })}\n`;
    }
  }

  async *#judgmentLines(judgments: ReadonlyMap<string, ReadonlyMap<string, number>>): AsyncGenerator<string> {
    yield 'query-id\tcorpus-id\tscore\n';
    for (const [query, grades] of judgments) {
      await this.#turn();
      yield [...grades].map(([id, grade]) => `${query}\t${id}\t${grade}\n`).join('');
    }
  }

  /** The file, whose bytes are counted and whose reading ends with the signal. */
  #watched({ path, source }: DetectedFile): ByteSource {
    const turn = (): Promise<void> | undefined => this.#turn();
    const count = (bytes: number): void => {
      this.#bytes.set(path, Math.min(source.size, (this.#bytes.get(path) ?? 0) + bytes));
      this.#tell();
    };
    async function* stream(start?: number, end?: number): AsyncGenerator<Uint8Array> {
      for await (const chunk of source.stream(start, end)) {
        await turn();
        count(chunk.length);
        yield chunk;
      }
    }
    return { name: source.name, size: source.size, stream };
  }

  #tell(isLast = false): void {
    const now = performance.now();
    if (this.#options.onProgress === undefined || (!isLast && now - this.#told < PROGRESS_MILLISECONDS))
      return;
    this.#told = now;
    const totalBytes = this.#detection.files.reduce((sum, { source }) => sum + source.size, 0);
    const bytes = isLast ? totalBytes : [...this.#bytes.values()].reduce((sum, read) => sum + read, 0);
    this.#options.onProgress({ bytes, totalBytes, passages: this.#ids.length });
  }
}

async function* judgmentsOf(file: DetectedFile): AsyncGenerator<{
  readonly queryId: string;
  readonly documentId: string;
  readonly grade: number;
  readonly line: number;
}> {
  if (file.layout === undefined) {
    const parser = new JudgmentParser(file.source.name);
    for await (const line of readLines(utf8Source(file.source, file.encoding))) {
      const judgment = parser.add(line);
      if (judgment !== undefined) yield { ...judgment, line: line.number };
    }
    return;
  }
  const cells = cellsOf(file);
  for await (const row of rowsOf(file)) {
    yield {
      queryId: cells.id(row, 'query-id') ?? '',
      documentId: cells.id(row, 'document-id') ?? '',
      grade: file.columns.grade === undefined ? 1 : cells.grade(row),
      line: row.line,
    };
  }
}

function otherQuery(id: string, file: DetectedFile, line: number): InputError {
  return new InputError(`the query id ${quoted(id)} already has another text`, {
    file: file.source.name,
    line,
    remedy: 'Use a unique id for each query',
  });
}

async function* lines(texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) yield await Promise.resolve(text);
}
