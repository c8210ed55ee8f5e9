import { bytesSource, type ByteSource } from '../../core/source.ts';
import { readLines, type PlacedLine } from '../../corpus/lines.ts';

/** Half of what a part of a kept file has at most, so that a page of rows reads one or two of them. */
const BLOCK_BYTES = 4 * 2 ** 20;
/** The blocks that were read last stay in memory. */
const HELD_BLOCKS = 8;
/** A training list has up to 16 MiB. */
const MAX_LINE_BYTES = 16 * 2 ** 20;

export interface ReadingTurn {
  /** Awaited for each line; throws the signal's reason when it is aborted. */
  readonly turn: () => Promise<void> | undefined;
  readonly tell: (bytes: number) => void;
}

/** A file of lines, each of which can be read by its number; lines of white space do not count. */
export class LineFile {
  readonly #source: ByteSource;
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  readonly #blocks = new Map<number, Promise<Uint8Array>>();

  /** @param onLine hears of each line once */
  static async open(
    source: ByteSource,
    { turn, tell }: ReadingTurn,
    onLine?: (line: PlacedLine) => void,
  ): Promise<LineFile> {
    const starts: number[] = [];
    const ends: number[] = [];
    for await (const line of readLines(source, { maxLineBytes: MAX_LINE_BYTES })) {
      await turn();
      if (line.text.trim() === '') continue;
      starts.push(line.start);
      ends.push(line.end);
      onLine?.(line);
      tell(line.end);
    }
    return new LineFile(source, Float64Array.from(starts), Float64Array.from(ends));
  }

  private constructor(source: ByteSource, starts: Float64Array, ends: Float64Array) {
    this.#source = source;
    this.#starts = starts;
    this.#ends = ends;
  }

  get size(): number {
    return this.#starts.length;
  }

  get bytes(): number {
    return this.#source.size;
  }

  /** Every line with its number, 0-based. */
  async *lines({ turn, tell }: ReadingTurn): AsyncGenerator<readonly [line: PlacedLine, number: number]> {
    let number = 0;
    for await (const line of readLines(this.#source, { maxLineBytes: MAX_LINE_BYTES })) {
      await turn();
      tell(line.end);
      if (line.text.trim() !== '') yield [line, number++];
    }
  }

  /** One line as a file of its own. */
  async line(number: number): Promise<ByteSource> {
    const [start = 0, end = 0] = [this.#starts[number], this.#ends[number]];
    const bytes = new Uint8Array(end - start);
    for (let at = start; at < end;) {
      const index = Math.floor(at / BLOCK_BYTES);
      const block = await this.#block(index);
      const part = block.subarray(at - index * BLOCK_BYTES, end - index * BLOCK_BYTES);
      bytes.set(part, at - start);
      at += part.length;
    }
    return bytesSource(this.#source.name, bytes);
  }

  #block(index: number): Promise<Uint8Array> {
    const held = this.#blocks.get(index);
    this.#blocks.delete(index);
    const block = held ?? this.#read(index);
    this.#blocks.set(index, block);
    // The one that was used the longest ago comes first.
    for (const old of this.#blocks.keys()) {
      if (this.#blocks.size <= HELD_BLOCKS) break;
      this.#blocks.delete(old);
    }
    return block;
  }

  async #read(index: number): Promise<Uint8Array> {
    const start = index * BLOCK_BYTES;
    const end = Math.min(start + BLOCK_BYTES, this.#source.size);
    const bytes = new Uint8Array(end - start);
    let length = 0;
    for await (const chunk of this.#source.stream(start, end)) {
      bytes.set(chunk, length);
      length += chunk.length;
    }
    if (length === bytes.length) return bytes;
    throw new Error(`${this.#source.name} ends after ${start + length} bytes`);
  }
}
