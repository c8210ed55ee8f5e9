import { InputError } from '../core/errors.ts';
import { longestFirst } from './tokenizer.ts';

/** Token ids and segment ids, of one length. */
export interface TokenRow {
  readonly ids: readonly number[];
  readonly segments: readonly number[];
}

/** Untruncated tokens of a text, or of a pair; with or without what the tokenizer puts around them. */
export type EncodeTokens = (text: string, second: string | undefined, isWhole: boolean) => TokenRow;

/** Texts that every tokenizer makes something of, and something different. */
const PROBES = ['a', 'b'] as const;

/**
 * What a tokenizer puts before, between and after texts, learned from two probes, so that texts can be cut to a
 * length as Hugging Face's tokenizers do it: within the text, the longer of a pair first. Libraries that cut the end
 * of a finished sequence take its last special token and the passage's end where the query is what is too long.
 */
export class TokenTemplate {
  readonly #encode: EncodeTokens;
  readonly #single: readonly TokenRow[];
  readonly #pair: readonly TokenRow[];
  readonly #segments: readonly [number, number];

  private constructor(
    encode: EncodeTokens,
    single: readonly TokenRow[],
    pair: readonly TokenRow[],
    segments: readonly [number, number],
  ) {
    this.#encode = encode;
    this.#single = single;
    this.#pair = pair;
    this.#segments = segments;
  }

  /** @throws InputError if the tokens of a text are not contiguous in the tokenizer's output */
  static learn(encode: EncodeTokens, file: string): TokenTemplate {
    const [first, second] = PROBES;
    const [a, b] = [encode(first, undefined, false).ids, encode(second, undefined, false).ids];
    const single = encode(first, undefined, true);
    const pair = encode(first, second, true);
    const at = indexOfRun(single.ids, a, 0);
    const atA = indexOfRun(pair.ids, a, 0);
    const atB = atA < 0 ? -1 : indexOfRun(pair.ids, b, atA + a.length);
    if (at < 0 || atB < 0 || a.length === 0 || b.length === 0) {
      throw new InputError('the tokenizer changes texts when it adds special tokens', {
        file,
        remedy: 'Use a model whose tokenizer only adds tokens before, between and after texts',
      });
    }
    return new TokenTemplate(
      encode,
      [part(single, 0, at), part(single, at + a.length)],
      [part(pair, 0, atA), part(pair, atA + a.length, atB), part(pair, atB + b.length)],
      [pair.segments[atA] ?? 0, pair.segments[atB] ?? 0],
    );
  }

  /** At most `maxLength` tokens, special tokens included. */
  single(text: string, maxLength: number): TokenRow {
    const [before, after] = this.#single as [TokenRow, TokenRow];
    const ids = this.#encode(text, undefined, false).ids;
    const room = Math.max(0, maxLength - before.ids.length - after.ids.length);
    return joined([before, inSegment(ids.slice(0, room), before.segments[0] ?? 0), after]);
  }

  /** A query and a passage, the longer one cut first. */
  pair(first: string, second: string, maxLength: number): TokenRow {
    const [before, between, after] = this.#pair as [TokenRow, TokenRow, TokenRow];
    const a = this.#encode(first, undefined, false).ids;
    const b = this.#encode(second, undefined, false).ids;
    const special = before.ids.length + between.ids.length + after.ids.length;
    const [keptA, keptB] = longestFirst(a.length, b.length, Math.max(0, maxLength - special));
    return joined([
      before,
      inSegment(a.slice(0, keptA), this.#segments[0]),
      between,
      inSegment(b.slice(0, keptB), this.#segments[1]),
      after,
    ]);
  }
}

function part({ ids, segments }: TokenRow, from: number, to?: number): TokenRow {
  return { ids: ids.slice(from, to), segments: segments.slice(from, to) };
}

function inSegment(ids: readonly number[], segment: number): TokenRow {
  return { ids, segments: ids.map(() => segment) };
}

function joined(parts: readonly TokenRow[]): TokenRow {
  return { ids: parts.flatMap(({ ids }) => ids), segments: parts.flatMap(({ segments }) => segments) };
}

/** Where the run begins, from a place on; -1 if nowhere. */
function indexOfRun(ids: readonly number[], run: readonly number[], from: number): number {
  for (let start = from; start + run.length <= ids.length; start++) {
    if (run.every((id, i) => ids[start + i] === id)) return start;
  }
  return -1;
}
