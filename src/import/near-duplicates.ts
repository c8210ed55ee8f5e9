/**
 * Equal and nearly equal texts, found as texts come, in linear time and with some 500 bytes a text.
 *
 * Nearly equal are texts whose sets of three-word shingles have a Jaccard similarity of about 0.9 or more, estimated by
 * one-permutation MinHash (Li, Owen and Zhang, NeurIPS 2012) with optimal densification (Shrivastava, ICML 2017).
 * Candidates are those that agree on a band of the signature (locality-sensitive hashing).
 */
import { streamKey } from '../core/random.ts';
import { splitWords } from '../retrieval/analyzer.ts';

/** Bins of a signature: the standard error of a similarity of 0.9 is 0.027. */
const BINS = 128;
/** Texts with a similarity of 0.9 agree on one of 8 bands of 8 bins with a probability of 0.99. */
const ROWS = 8;
const BANDS = 8;
const SHINGLE = 3;
/** Shorter texts are compared for equality alone. */
const MIN_WORDS = 10;
const SIMILARITY = 0.9;
/** Texts of one band that are compared, the latest first: what bounds the time. */
const MAX_CANDIDATES = 8;
const EMPTY = 0xffffffff;
/** Signatures are stored in blocks of this many. */
const BLOCK = 4096;

export interface Duplicate {
  readonly kind: 'exact' | 'near';
  /** The number of the earlier text. */
  readonly of: number;
}

/** Texts by number, in the order in which they were added. */
export class DuplicateFinder {
  readonly #exact = new Map<string, number>();
  readonly #signatures: Uint16Array[] = [];
  readonly #numbers: number[] = [];
  /** A hash table of bands: the last signature of each, plus 1. Its size is a power of two. */
  #heads = new Uint32Array(1 << 16);
  /** For each signature and band, the one before it in the same place, plus 1. */
  readonly #previous: Uint32Array[] = [];
  readonly #isNear: boolean;

  /** @param isNear whether nearly equal texts count as well */
  constructor({ isNear = true }: { readonly isNear?: boolean } = {}) {
    this.#isNear = isNear;
  }

  /** The earlier text that this one repeats; undefined if it is new, and then it is remembered. */
  add(text: string, number: number): Duplicate | undefined {
    const normal = text.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
    const key = `${streamKey(0, normal)} ${streamKey(1, normal)}`;
    const same = this.#exact.get(key);
    if (same !== undefined) return { kind: 'exact', of: same };
    const signature = this.#isNear ? signatureOf(splitWords(normal)) : undefined;
    const near = signature === undefined ? undefined : this.#findNear(signature);
    // A copy of a copy is found at once next time.
    this.#exact.set(key, near ?? number);
    if (near !== undefined) return { kind: 'near', of: near };
    if (signature !== undefined) this.#remember(signature, number);
    return undefined;
  }

  #findNear(signature: Uint16Array): number | undefined {
    for (let band = 0; band < BANDS; band++) {
      let next = this.#heads[this.#place(signature, 0, band)] as number;
      for (let tried = 0; next > 0 && tried < MAX_CANDIDATES; tried++) {
        const candidate = next - 1;
        if (this.#similarity(signature, candidate) >= SIMILARITY) return this.#numbers[candidate];
        next = this.#previous[Math.floor(candidate / BLOCK)]?.[(candidate % BLOCK) * BANDS + band] ?? 0;
      }
    }
    return undefined;
  }

  #similarity(signature: Uint16Array, candidate: number): number {
    const block = this.#signatures[Math.floor(candidate / BLOCK)];
    const start = (candidate % BLOCK) * BINS;
    let equal = 0;
    for (let bin = 0; bin < BINS; bin++) if (block?.[start + bin] === signature[bin]) equal++;
    return equal / BINS;
  }

  #remember(signature: Uint16Array, number: number): void {
    const at = this.#numbers.length;
    this.#numbers.push(number);
    if (at % BLOCK === 0) {
      this.#signatures.push(new Uint16Array(BLOCK * BINS));
      this.#previous.push(new Uint32Array(BLOCK * BANDS));
    }
    this.#signatures.at(-1)?.set(signature, (at % BLOCK) * BINS);
    if (this.#numbers.length * BANDS > this.#heads.length) {
      this.#heads = new Uint32Array(this.#heads.length * 4);
      for (let known = 0; known < at; known++) this.#link(known);
    }
    this.#link(at);
  }

  #link(at: number): void {
    const signatures = this.#signatures[Math.floor(at / BLOCK)];
    const previous = this.#previous[Math.floor(at / BLOCK)];
    if (signatures === undefined || previous === undefined) return;
    for (let band = 0; band < BANDS; band++) {
      const place = this.#place(signatures, (at % BLOCK) * BINS, band);
      previous[(at % BLOCK) * BANDS + band] = this.#heads[place] as number;
      this.#heads[place] = at + 1;
    }
  }

  /** Where in the hash table a band of a signature is. */
  #place(signatures: Uint16Array, start: number, band: number): number {
    let key = band;
    for (let row = start + band * ROWS; row < start + (band + 1) * ROWS; row++) {
      key = mix(key + (signatures[row] as number) + 0x9e3779b9);
    }
    return key & (this.#heads.length - 1);
  }
}

function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * [BINS] the low 16 bits of the least hash of the shingles that fall in each bin; undefined for short texts. Two
 * different hashes agree by chance once in 65,536 bins.
 */
function signatureOf(words: readonly string[]): Uint16Array | undefined {
  if (words.length < MIN_WORDS) return undefined;
  const hashes = Uint32Array.from(words, (word) => {
    let hash = 0x811c9dc5;
    for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
    return hash >>> 0;
  });
  const signature = new Uint32Array(BINS).fill(EMPTY);
  for (let i = 0; i + SHINGLE <= hashes.length; i++) {
    let shingle = 0;
    for (let j = 0; j < SHINGLE; j++) shingle = mix(shingle + (hashes[i + j] as number) + 0x9e3779b9);
    const bin = shingle % BINS;
    const rest = mix(shingle ^ 0x5bd1e995);
    if (rest < (signature[bin] as number)) signature[bin] = rest;
  }
  return densified(signature);
}

/** Fills each empty bin from another one that only its number chooses. */
function densified(signature: Uint32Array): Uint16Array {
  const full = new Uint16Array(BINS);
  for (let bin = 0; bin < BINS; bin++) {
    let from = bin;
    for (let attempt = 1; signature[from] === EMPTY; attempt++)
      from = mix(bin * 0x9e37 + attempt * 0x85eb) % BINS;
    full[bin] = signature[from] as number;
  }
  return full;
}
