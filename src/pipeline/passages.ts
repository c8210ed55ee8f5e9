/** The passages of a corpus, in memory where they fit, else read from their file each time. */
import { passageText } from '../corpus/documents.ts';
import type { Document } from '../corpus/types.ts';
import { sha256 } from '../core/sha256.ts';

/** A passage as it is searched and embedded: title and text are one. */
export interface Passage {
  readonly id: string;
  readonly text: string;
}

export interface Passages {
  readonly size: number;
  /** SHA-256 of all of them, wherever they lie. */
  readonly hash: string;
  /** Whether all of them are in memory. */
  readonly inMemory: boolean;
  /** Of memory that they occupy, about. */
  readonly heldBytes: number;
  /** All of them, in the order of the corpus. */
  read(): Iterable<Passage> | AsyncIterable<Passage>;
  /** Texts spread evenly over all of them, for estimates. */
  readonly sample: readonly string[];
  /** The text of a passage in memory: of each, or of those that {@link PassagesOptions.held} names. */
  textOf(id: string): string | undefined;
  /** The texts of these passages, as far as there are any. */
  textsOf(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, string>>;
}

export interface PassagesOptions {
  readonly titles: boolean;
  /** Whether all passages stay in memory. */
  readonly inMemory: boolean;
  /** The passages whose texts stay in memory in any case. */
  readonly held: ReadonlySet<string>;
  /** Hears of each passage once, in order, as it is read for the first time. */
  readonly onPassage?: ((passage: Passage) => void) | undefined;
}

/** @param documents reads the corpus from its start */
export async function readPassages(
  documents: () => AsyncIterable<Document>,
  options: PassagesOptions,
): Promise<Passages> {
  const { titles, inMemory, held, onPassage } = options;
  async function* stream(): AsyncGenerator<Passage, void> {
    for await (const document of documents()) {
      yield { id: document.id, text: passageText(document, { titles }) };
    }
  }
  const hash = new PartHash();
  const sample = new EvenSample();
  const texts = new Map<string, string>();
  for await (const passage of stream()) {
    onPassage?.(passage);
    await hash.add(passage);
    sample.add(passage.text);
    if (inMemory || held.has(passage.id)) texts.set(passage.id, passage.text);
  }
  const size = hash.count;
  return {
    size,
    hash: await hash.finish(),
    inMemory,
    heldBytes: [...texts.values()].reduce((sum, text) => sum + 2 * text.length + 100, 0),
    sample: sample.texts,
    textOf: (id) => texts.get(id),
    textsOf: (ids) => (inMemory ? Promise.resolve(texts) : textsIn(stream(), ids)),
    read: () => (inMemory ? passagesOf(texts) : stream()),
  };
}

async function textsIn(
  passages: AsyncIterable<Passage>,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const { id, text } of passages) if (ids.has(id)) found.set(id, text);
  return found;
}

function* passagesOf(texts: ReadonlyMap<string, string>): Generator<Passage, void> {
  for (const [id, text] of texts) yield { id, text };
}

const itemsAtOnce = 1024;

/** SHA-256 of JSON values, of which a part at a time is made text. */
export class PartHash {
  count = 0;
  readonly #parts: string[] = [];
  #items: unknown[] = [];

  async add(item: unknown): Promise<void> {
    this.#items.push(item);
    this.count++;
    if (this.#items.length === itemsAtOnce) await this.#endPart();
  }

  async finish(): Promise<string> {
    if (this.#items.length > 0) await this.#endPart();
    return sha256([String(this.count), ...this.#parts].join(' '));
  }

  async #endPart(): Promise<void> {
    this.#parts.push(await sha256(JSON.stringify(this.#items)));
    this.#items = [];
  }
}

/** Every n-th of some texts, n such that there are 128 to 255 of them where there are as many. */
class EvenSample {
  texts: string[] = [];
  #every = 1;
  #seen = 0;

  add(text: string): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.texts.push(text);
    if (this.texts.length < 256) return;
    this.texts = this.texts.filter((_, i) => i % 2 === 0);
    this.#every *= 2;
  }
}
