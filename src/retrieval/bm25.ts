import type { StoredTensor } from '../formats/safetensors.ts';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
import { InputError } from '../core/errors.ts';
import { log } from '../core/exact-math.ts';
import type { Analyzer, AnalyzerName } from './analyzer.ts';
import { analyzerNames, copyString, createAnalyzer } from './analyzer.ts';
import { tieBreakingOrder } from './document-order.ts';
import type { RankedDocument } from './ranking.ts';
import { TopK } from './top-k.ts';

export interface Bm25Settings {
  /** How slowly repetitions of a term saturate; 0.9 by default. */
  readonly k1: number;
  /** How far scores are divided by document length, from 0 to 1; 0.4 by default. */
  readonly b: number;
  readonly analyzer: AnalyzerName;
}

/** From here on each occurrence of a term counts as much as its first. */
const UNUSUAL_K1 = 100;

/** One line for each setting that is allowed and hardly meant. */
export function bm25Warnings({ k1 }: Pick<Bm25Settings, 'k1'>): string[] {
  if (k1 <= UNUSUAL_K1) return [];
  return [
    `BM25's k1 is ${k1}; far above the usual 0.5 to 2, scores shrink toward 0 and documents tie (the default is 0.9)`,
  ];
}

const DEFAULTS: Bm25Settings = { k1: 0.9, b: 0.4, analyzer: 'english' };

const FORMAT = 'retriever-studio bm25 1';

/** Postings are gathered in pieces of this many, so that growing copies nothing. */
const CHUNK_POSTINGS = 1 << 18;

/**
 * Builds a BM25 index from documents given one at a time. Texts are not kept.
 *
 * Memory: 8 bytes for each posting (a distinct term of a document) while documents are added, 16 during
 * {@link finish} and 8 again in the index, besides the distinct terms and the document ids.
 */
export class Bm25Builder {
  readonly #settings: Bm25Settings;
  readonly #analyzer: Analyzer;
  readonly #ids: string[] = [];
  readonly #lengths: number[] = [];
  readonly #postingCounts: number[] = [];
  readonly #termNumbers = new Map<string, number>();
  readonly #chunks: { readonly terms: Int32Array; readonly frequencies: Int32Array }[] = [];
  #postings = 0;

  /** @throws InputError if a setting is outside its range. */
  constructor(settings: Partial<Bm25Settings> = {}) {
    this.#settings = checkSettings({ ...DEFAULTS, ...settings });
    this.#analyzer = createAnalyzer(this.#settings.analyzer);
  }

  get documents(): number {
    return this.#ids.length;
  }

  /** Adds a document; title and text are one field (see passageText in corpus/documents.ts). */
  add(id: string, text: string): void {
    const terms = this.#analyzer.analyze(text);
    const frequencies = new Map<number, number>();
    for (const term of terms) {
      let number = this.#termNumbers.get(term);
      if (number === undefined) {
        number = this.#termNumbers.size;
        this.#termNumbers.set(copyString(term), number);
      }
      frequencies.set(number, (frequencies.get(number) ?? 0) + 1);
    }
    for (const [term, frequency] of frequencies) this.#addPosting(term, frequency);
    this.#ids.push(id);
    this.#lengths.push(terms.length);
    this.#postingCounts.push(frequencies.size);
  }

  #addPosting(term: number, frequency: number): void {
    const offset = this.#postings % CHUNK_POSTINGS;
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || offset === 0) {
      chunk = { terms: new Int32Array(CHUNK_POSTINGS), frequencies: new Int32Array(CHUNK_POSTINGS) };
      this.#chunks.push(chunk);
    }
    chunk.terms[offset] = term;
    chunk.frequencies[offset] = frequency;
    this.#postings++;
  }

  /**
   * Computes every posting's share of a score ahead of the queries (eager sparse scoring, BM25S, arXiv 2407.03618):
   * ln(1 + (N − n + ½) / (n + ½)) · f / (f + k1 · (1 − b + b · length / mean length)), Lucene's form, with exact
   * lengths where Lucene rounds them to a byte.
   * @throws InputError if an id was added twice
   */
  finish(): Bm25Index {
    const { k1, b } = this.#settings;
    const order = tieBreakingOrder(this.#ids);
    const documentFrequencies = new Uint32Array(this.#termNumbers.size);
    for (let posting = 0; posting < this.#postings; posting++) {
      const term = this.#termAt(posting);
      documentFrequencies[term] = (documentFrequencies[term] as number) + 1;
    }
    const starts = postingStarts(documentFrequencies);
    const firstPostings = new Float64Array(this.#ids.length);
    let next = 0;
    for (const [document, count] of this.#postingCounts.entries()) {
      firstPostings[document] = next;
      next += count;
    }
    const meanLength = this.#lengths.reduce((sum, length) => sum + length, 0) / this.#ids.length;
    const idf = Float64Array.from(documentFrequencies, (n) =>
      log(1 + (this.#ids.length - n + 0.5) / (n + 0.5)),
    );
    const documents = new Uint32Array(this.#postings);
    const impacts = new Float32Array(this.#postings);
    const places = starts.slice();
    for (let number = 0; number < order.length; number++) {
      const document = order[number] as number;
      const first = firstPostings[document] as number;
      const norm = k1 * (1 - b + (b * (this.#lengths[document] ?? 0)) / meanLength);
      for (let posting = first; posting < first + (this.#postingCounts[document] ?? 0); posting++) {
        const term = this.#termAt(posting);
        const frequency = this.#frequencyAt(posting);
        const place = places[term] as number;
        places[term] = place + 1;
        documents[place] = number;
        impacts[place] = ((idf[term] as number) * frequency) / (frequency + norm);
      }
    }
    const ids = Array.from(order, (document) => this.#ids[document] ?? '');
    return new Bm25Index({
      settings: this.#settings,
      ids,
      termNumbers: this.#termNumbers,
      documentFrequencies,
      documents,
      impacts,
    });
  }

  #termAt(posting: number): number {
    return this.#chunks[Math.floor(posting / CHUNK_POSTINGS)]?.terms[posting % CHUNK_POSTINGS] ?? 0;
  }

  #frequencyAt(posting: number): number {
    return this.#chunks[Math.floor(posting / CHUNK_POSTINGS)]?.frequencies[posting % CHUNK_POSTINGS] ?? 0;
  }
}

interface Bm25Parts {
  readonly settings: Bm25Settings;
  /** Document number → id, in tie-breaking order. */
  readonly ids: readonly string[];
  readonly termNumbers: ReadonlyMap<string, number>;
  /** [terms] */
  readonly documentFrequencies: Uint32Array<ArrayBuffer>;
  /** [postings] document numbers, term after term. */
  readonly documents: Uint32Array<ArrayBuffer>;
  /** [postings] what the posting adds to a score. */
  readonly impacts: Float32Array<ArrayBuffer>;
}

/** A BM25 index in typed arrays. Made by {@link Bm25Builder} or read back from bytes. */
export class Bm25Index {
  readonly settings: Bm25Settings;
  readonly #parts: Bm25Parts;
  readonly #starts: Uint32Array;
  readonly #analyzer: Analyzer;
  /** [documents] all 0 between searches. */
  readonly #scores: Float64Array;

  constructor(parts: Bm25Parts) {
    this.settings = parts.settings;
    this.#parts = parts;
    this.#starts = postingStarts(parts.documentFrequencies);
    this.#analyzer = createAnalyzer(parts.settings.analyzer);
    this.#scores = new Float64Array(parts.ids.length);
  }

  /** How many documents it holds. */
  get size(): number {
    return this.#parts.ids.length;
  }

  /** How many pairs of a document and a distinct term. */
  get postings(): number {
    return this.#parts.documents.length;
  }

  /** How many distinct terms. */
  get terms(): number {
    return this.#parts.documentFrequencies.length;
  }

  /**
   * The best `k` documents for a query, of those that share a term with it. A term that occurs twice in the query
   * counts twice. Scores are summed in float64 and ranked as float32; ties go by document id, descending by bytes,
   * as in trec_eval.
   */
  search(query: string, k: number): RankedDocument[] {
    const weights = this.#queryTerms(query);
    const { ids, documents, impacts } = this.#parts;
    const scores = this.#scores;
    let postings = 0;
    for (const [term, weight] of weights) {
      const end = this.#starts[term + 1] as number;
      for (let i = this.#starts[term] as number; i < end; i++) {
        const document = documents[i] as number;
        scores[document] = (scores[document] as number) + weight * (impacts[i] as number);
      }
      postings += end - (this.#starts[term] as number);
    }
    const best = new TopK(Math.min(k, postings, ids.length));
    for (const term of weights.keys()) {
      const end = this.#starts[term + 1] as number;
      for (let i = this.#starts[term] as number; i < end; i++) {
        const document = documents[i] as number;
        const score = Math.fround(scores[document] as number);
        // Each document is offered once, at its first posting.
        if (score === 0) continue;
        scores[document] = 0;
        if (score >= best.threshold) best.offer(document, score);
      }
    }
    const found = best.take();
    return Array.from(found.items, (document, i) => ({
      id: ids[document] ?? '',
      score: found.scores[i] as number,
      rank: i + 1,
    }));
  }

  /** Number of each query term that the index has → how often it occurs in the query. */
  #queryTerms(query: string): Map<number, number> {
    const weights = new Map<number, number>();
    for (const term of this.#analyzer.analyze(query)) {
      const number = this.#parts.termNumbers.get(term);
      if (number !== undefined) weights.set(number, (weights.get(number) ?? 0) + 1);
    }
    return weights;
  }

  /** The index as a safetensors file. The same documents, added in the same order, give the same bytes. */
  serialize(): Uint8Array<ArrayBuffer> {
    const { settings, ids, termNumbers, documentFrequencies, documents, impacts } = this.#parts;
    return writeSafetensors(
      new Map<string, StoredTensor>([
        ['documentFrequencies', tensor('U32', documentFrequencies)],
        ['documents', tensor('U32', documents)],
        ['impacts', tensor('F32', impacts)],
        ...stringTensors('ids', ids),
        ...stringTensors('terms', [...termNumbers.keys()]),
      ]),
      new Map([
        ['format', FORMAT],
        ['settings', JSON.stringify(settings)],
      ]),
    );
  }

  /** @throws InputError if the bytes are not an index, or one that does not hold together. */
  static deserialize(bytes: Uint8Array<ArrayBuffer>, file: string): Bm25Index {
    const { tensors, metadata } = readSafetensors(bytes, file);
    if (metadata.get('format') !== FORMAT) throw damaged(file, 'is not a BM25 index of this version');
    const read = (name: string, dtype: 'F32' | 'U32' | 'U8'): Uint8Array<ArrayBuffer> => {
      const found = tensors.get(name);
      if (found?.dtype !== dtype) throw damaged(file, `holds no ${name}`);
      // The copy is aligned, which the view of the file need not be.
      return found.data.slice();
    };
    const readStrings = (name: string): string[] =>
      unpackStrings(
        read(`${name}.bytes`, 'U8'),
        new Uint32Array(read(`${name}.lengths`, 'U32').buffer),
        file,
      );
    const ids = readStrings('ids');
    const terms = readStrings('terms');
    const parts: Bm25Parts = {
      settings: parseSettings(metadata.get('settings') ?? '', file),
      ids,
      termNumbers: new Map(terms.map((term, number) => [term, number])),
      documentFrequencies: new Uint32Array(read('documentFrequencies', 'U32').buffer),
      documents: new Uint32Array(read('documents', 'U32').buffer),
      impacts: new Float32Array(read('impacts', 'F32').buffer),
    };
    const postings = parts.documentFrequencies.reduce((sum, n) => sum + n, 0);
    if (
      parts.termNumbers.size !== parts.documentFrequencies.length ||
      postings !== parts.documents.length ||
      postings !== parts.impacts.length ||
      !parts.documents.every((document) => document < ids.length) ||
      !parts.impacts.every((impact) => impact >= 0 && impact < Infinity)
    ) {
      throw damaged(file, 'its parts do not fit together');
    }
    return new Bm25Index(parts);
  }
}

/** Where each term's postings start, and at the end their number: [terms + 1]. */
function postingStarts(documentFrequencies: Uint32Array): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(documentFrequencies.length + 1);
  for (let term = 0; term < documentFrequencies.length; term++) {
    starts[term + 1] = (starts[term] as number) + (documentFrequencies[term] as number);
  }
  return starts;
}

function checkSettings(settings: Bm25Settings): Bm25Settings {
  const { k1, b } = settings;
  if (!(k1 >= 0 && k1 < Infinity)) {
    throw new InputError(`BM25's k1 is ${k1}`, { remedy: 'Use a number of 0 or more, usually 0.9 or 1.2' });
  }
  if (!(b >= 0 && b <= 1)) {
    throw new InputError(`BM25's b is ${b}`, { remedy: 'Use a number from 0 to 1, usually 0.4 or 0.75' });
  }
  return settings;
}

function parseSettings(json: string, file: string): Bm25Settings {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw damaged(file, 'its settings are not valid JSON');
  }
  const fields = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  const analyzer = analyzerNames.find((name) => name === fields.analyzer);
  if (analyzer === undefined || typeof fields.k1 !== 'number' || typeof fields.b !== 'number') {
    throw damaged(file, 'its settings are not those of BM25');
  }
  return checkSettings({ k1: fields.k1, b: fields.b, analyzer });
}

function tensor(
  dtype: 'F32' | 'U32' | 'U8',
  data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>,
): StoredTensor {
  return { dtype, dims: [data.length], data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function stringTensors(name: string, strings: readonly string[]): [string, StoredTensor][] {
  const encoder = new TextEncoder();
  const encoded = strings.map((text) => encoder.encode(text));
  const lengths = Uint32Array.from(encoded, ({ length }) => length);
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const part of encoded) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return [
    [`${name}.bytes`, tensor('U8', bytes)],
    [`${name}.lengths`, tensor('U32', lengths)],
  ];
}

function unpackStrings(bytes: Uint8Array, lengths: Uint32Array, file: string): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const strings: string[] = [];
  let offset = 0;
  for (const length of lengths) {
    strings.push(decoder.decode(bytes.subarray(offset, offset + length)));
    offset += length;
  }
  if (offset !== bytes.length) throw damaged(file, 'its texts are truncated');
  return strings;
}

function damaged(file: string, problem: string): InputError {
  return new InputError(problem, { file, remedy: 'Remove it and build the index again from the corpus' });
}
