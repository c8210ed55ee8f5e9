import { jsonOf, writtenAs } from '../core/json.ts';
import type { Store, StoreRecord, StoreWriter } from '../host/contract.ts';
import type { GenerationReply, SamplingSettings } from '../host/generator.ts';
import type { GeneratedItem } from './prompt.ts';

/** One reply of a model: one line of an exported log. */
export type LogEntry = Readonly<{
  /** The request's id, a hash without the model. */
  request: string;
  task: string;
  prompt: string;
  prompt_version: number;
  model: string;
  generator: string;
  /** Whether the reply was replayed, not written. */
  recorded: boolean;
  seed: number;
  /** 0 for the first try of a task. */
  attempt: number;
  sampling: SamplingSettings;
  text: string;
  finish: GenerationReply['finish'];
  /** What was read from the text … */
  items?: readonly GeneratedItem[];
  /** … or why nothing was. */
  error?: string;
  /** Items that were left out, each with its reason. */
  dropped?: readonly string[];
  prompt_tokens?: number;
  completion_tokens?: number;
  /** What the model took. */
  seconds: number;
  /** ISO 8601, UTC. */
  at: string;
}>;

/** The reply in an entry. */
export function replyOf(entry: LogEntry): GenerationReply {
  const { text, finish, error, prompt_tokens, completion_tokens, seconds } = entry;
  return {
    text,
    finish,
    // What its generator found wrong with it cannot be seen from its text, which is empty then.
    ...(text === '' && error !== undefined && { problem: error }),
    ...(prompt_tokens !== undefined && { promptTokens: prompt_tokens }),
    ...(completion_tokens !== undefined && { completionTokens: completion_tokens }),
    seconds,
  };
}

/** Pieces of a level that become one piece of the next. */
const FAN = 32;
/** A piece of the highest level has FAN ** 2 entries, and stays. */
const HIGHEST_LEVEL = 2;

/**
 * Every reply that models gave, in a namespace of a store, each durable when its `append` resolves. What is in it is
 * never asked again.
 *
 * A commit of a store may cost as much as its namespace has records, so there are few: an entry comes as a record of
 * level 0; 32 of them become a blob of level 1, and 32 of those a blob of level 2. Appending to a log of a million
 * entries thus writes some 1,100 small records.
 */
export class GenerationLog {
  readonly #store: Store;
  readonly #writer: StoreWriter;
  /** By level, the keys and the records of the pieces there are, oldest first. */
  readonly #levels: Piece[][];
  readonly #entries: LogEntry[] = [];
  readonly #byRequest = new Map<string, LogEntry>();
  #next: number;
  #queue: Promise<unknown> = Promise.resolve();
  /** What the next commit takes along. */
  #gathering: { readonly entries: LogEntry[]; readonly written: Promise<void> } | undefined;

  private constructor(store: Store, writer: StoreWriter, levels: Piece[][]) {
    this.#store = store;
    this.#writer = writer;
    this.#levels = levels;
    this.#next = 1 + Math.max(-1, ...levels.flat().map(({ number }) => number));
  }

  /**
   * Takes the log over: who opened it earlier can append no more (StoreFencedError).
   * Holds its entries in memory.
   */
  static async open(store: Store, namespace = 'generations'): Promise<GenerationLog> {
    const writer = await store.openWriter(namespace);
    const levels: Piece[][] = Array.from({ length: HIGHEST_LEVEL + 1 }, () => []);
    for (const key of await store.keys(namespace)) {
      const { level, number } = placeOf(key);
      const record = await store.get(namespace, key);
      if (record !== undefined) levels[level]?.push({ key, number, record });
    }
    const log = new GenerationLog(store, writer, levels);
    // Within a level keys are in the order of their numbers, and a piece's number is that of its last entry.
    const pieces = levels.flat().sort((a, b) => a.number - b.number);
    for (const piece of pieces) for (const entry of await log.#entriesOf(piece)) log.#remember(entry);
    return log;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** In the order in which they came. */
  entries(): Iterable<LogEntry> {
    return this.#entries.values();
  }

  /** What a model replied to a request; the newest if it was asked more than once. */
  find(request: string, model: string): LogEntry | undefined {
    return this.#byRequest.get(nameOf(request, model));
  }

  /** Durable when it resolves. What comes while a commit is under way shares the next one. */
  append(entry: LogEntry): Promise<void> {
    if (this.#gathering === undefined) {
      const entries: LogEntry[] = [];
      const written = this.#queue.then(() => {
        this.#gathering = undefined;
        return this.#append(entries);
      });
      this.#queue = written.catch(() => undefined);
      this.#gathering = { entries, written };
    }
    this.#gathering.entries.push(entry);
    return this.#gathering.written;
  }

  /** All of them, in one commit. */
  appendAll(entries: readonly LogEntry[]): Promise<void> {
    // It comes after what was appended before it.
    this.#gathering = undefined;
    const turn = this.#queue.then(() => this.#append(entries));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #append(entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const before = new Set(this.#levels.flat().map(({ key }) => key));
    const levels = this.#levels.map((level) => [...level]);
    const added = entries.map((entry, i) => pieceOf(0, this.#next + i, { value: jsonOf(entry), blobs: [] }));
    levels[0]?.push(...added);
    const merged = await this.#mergeUp(levels);
    const put = levels.flat().filter(({ key }) => !before.has(key));
    // A commit that failed may have happened all the same, so pieces are deleted that may never have been there.
    await this.#writer.commit({
      put: Object.fromEntries(put.map(({ key, record }) => [key, record])),
      delete: merged.map(({ key }) => key),
    });
    levels.forEach((level, i) => (this.#levels[i] = level));
    this.#next += entries.length;
    for (const entry of entries) this.#remember(entry);
  }

  /** Makes one piece of each full row of pieces. Returns those that it replaced. */
  async #mergeUp(levels: readonly Piece[][]): Promise<readonly Piece[]> {
    const merged: Piece[] = [];
    for (let level = 0; level < HIGHEST_LEVEL; level++) {
      const pieces = levels[level] ?? [];
      while (pieces.length >= FAN) {
        const row = pieces.splice(0, FAN);
        const lines: string[] = [];
        for (const piece of row) {
          for (const entry of await this.#entriesOf(piece)) lines.push(`${JSON.stringify(entry)}\n`);
        }
        const blob = await this.#store.writeBlob(new TextEncoder().encode(lines.join('')));
        const { number } = row.at(-1) as Piece;
        levels[level + 1]?.push(pieceOf(level + 1, number, { value: lines.length, blobs: [blob] }));
        merged.push(...row);
      }
    }
    return merged;
  }

  async #entriesOf({ record }: Piece): Promise<readonly LogEntry[]> {
    const [blob] = record.blobs;
    if (blob === undefined) return [writtenAs<LogEntry>(record).value];
    const text = new TextDecoder().decode(await this.#store.readBlob(blob));
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as LogEntry);
  }

  #remember(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#byRequest.set(nameOf(entry.request, entry.model), entry);
  }
}

interface Piece {
  readonly key: string;
  /** Of its last entry, from 0. */
  readonly number: number;
  readonly record: StoreRecord;
}

function pieceOf(level: number, number: number, record: StoreRecord): Piece {
  return { key: `${level}/${String(number).padStart(12, '0')}`, number, record };
}

function placeOf(key: string): { readonly level: number; readonly number: number } {
  const [level, number] = key.split('/');
  return { level: Number(level), number: Number(number) };
}

function nameOf(request: string, model: string): string {
  return `${request} ${model}`;
}
