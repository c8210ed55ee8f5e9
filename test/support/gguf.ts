/** Writes GGUF files, and with them language models that are too small to say anything: they cost nothing to run. */
import { RandomStream } from '../../src/core/random.ts';

type MetadataValue =
  | { readonly type: 'uint32' | 'float32'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'float32s' | 'int32s'; readonly value: readonly number[] };

interface GgufTensor {
  readonly name: string;
  /** The fastest-changing dimension first, as ggml counts them. */
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

const typeIds = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 } as const;
const alignment = 32;

/** A GGUF file of version 3 with tensors of 32-bit floats. */
export function writeGguf(
  metadata: Readonly<Record<string, MetadataValue>>,
  tensors: readonly GgufTensor[],
): Blob {
  const head = new ByteWriter();
  head.text('GGUF', false);
  head.uint32(3);
  head.uint64(tensors.length);
  head.uint64(Object.keys(metadata).length);
  for (const [key, entry] of Object.entries(metadata)) {
    head.text(key);
    writeValue(head, entry);
  }
  let offset = 0;
  for (const { name, dims, data } of tensors) {
    head.text(name);
    head.uint32(dims.length);
    for (const dim of dims) head.uint64(dim);
    head.uint32(0); // GGML_TYPE_F32
    head.uint64(offset);
    offset += padded(data.byteLength);
  }
  head.pad();
  const parts: Uint8Array<ArrayBuffer>[] = [head.finish()];
  for (const { data } of tensors) {
    const bytes = new Uint8Array(padded(data.byteLength));
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    parts.push(bytes);
  }
  return new Blob(parts);
}

function writeValue(head: ByteWriter, entry: MetadataValue): void {
  switch (entry.type) {
    case 'uint32':
      head.uint32(typeIds.uint32);
      head.uint32(entry.value);
      break;
    case 'float32':
      head.uint32(typeIds.float32);
      head.float32(entry.value);
      break;
    case 'string':
      head.uint32(typeIds.string);
      head.text(entry.value);
      break;
    case 'strings':
      head.array(typeIds.string, entry.value.length);
      for (const value of entry.value) head.text(value);
      break;
    case 'float32s':
      head.array(typeIds.float32, entry.value.length);
      for (const value of entry.value) head.float32(value);
      break;
    case 'int32s':
      head.array(typeIds.int32, entry.value.length);
      for (const value of entry.value) head.uint32(value);
      break;
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

class ByteWriter {
  readonly #bytes: number[] = [];

  uint32(value: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 255);
  }

  uint64(value: number): void {
    this.uint32(value >>> 0);
    this.uint32(Math.floor(value / 2 ** 32));
  }

  float32(value: number): void {
    this.#bytes.push(...new Uint8Array(new Float32Array([value]).buffer));
  }

  text(value: string, hasLength = true): void {
    const bytes = new TextEncoder().encode(value);
    if (hasLength) this.uint64(bytes.length);
    this.#bytes.push(...bytes);
  }

  array(type: number, length: number): void {
    this.uint32(typeIds.array);
    this.uint32(type);
    this.uint64(length);
  }

  pad(): void {
    while (this.#bytes.length % alignment !== 0) this.#bytes.push(0);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes);
  }
}

const width = 64;
const heads = 4;
const layers = 2;
const feedForward = 128;
const constant = 4;
/** Joined by spaces they are what the model writes. */
const words =
  'a the of and in is for with by from to on at as it was are that this which how what why when who water light cell heat wave bird stone river engine market early later small large old new first second study effect cause rate level growth change method model value'.split(
    ' ',
  );
const control = ['<unk>', '<s>', '</s>'];

export interface TinyModelOptions {
  readonly seed: number;
  /** Tokens that the model was trained for, as its file says. Default 2048. */
  readonly contextTokens?: number;
}

/**
 * A language model of Llama's form with random weights (about 0.6 MB): it writes common words, and under a schema what
 * the schema asks for, with short texts. Its template puts the messages one after the other.
 */
export function tinyLlama({ seed, contextTokens = 2048 }: TinyModelOptions): Blob {
  const random = new RandomStream(seed, 'tiny llama');
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  );
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i).replace(' ', '\u2581'));
  const pieces = words.map((word) => `\u2581${word}`);
  const tokens = [...control, ...bytes, ...printable, ...pieces];
  const firstWritten = control.length + bytes.length;
  const types = tokens.map((_, i) => (i === 0 ? 2 : i < control.length ? 3 : i < firstWritten ? 6 : 1));
  const vocabulary = tokens.length;

  const normal = (dims: readonly number[], deviation: number): Float32Array =>
    Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => deviation * random.normal());
  const matrix = (
    name: string,
    inputs: number,
    outputs: number,
    deviation = 1 / Math.sqrt(inputs),
  ): GgufTensor => ({
    name,
    dims: [inputs, outputs],
    data: normal([inputs, outputs], deviation),
  });
  const ones = (name: string): GgufTensor => ({ name, dims: [width], data: new Float32Array(width).fill(1) });

  const embedding = matrix('token_embd.weight', width, vocabulary, 1);
  const output = matrix('output.weight', width, vocabulary, 1.5 / Math.sqrt(width));
  // The first number is the same for every token: what stands there in the last matrix makes a token likely or not.
  const isWord = (token: number): boolean => token >= tokens.length - pieces.length;
  for (let token = 0; token < vocabulary; token++) {
    embedding.data[token * width] = constant;
    output.data[token * width] = tokens[token] === '"' ? 0.5 : isWord(token) ? 0 : -1.5;
  }
  const tensors = [
    embedding,
    ...Array.from({ length: layers }, (_, layer) => {
      const block = `blk.${layer}`;
      return [
        ones(`${block}.attn_norm.weight`),
        matrix(`${block}.attn_q.weight`, width, width),
        matrix(`${block}.attn_k.weight`, width, width),
        matrix(`${block}.attn_v.weight`, width, width),
        matrix(`${block}.attn_output.weight`, width, width),
        ones(`${block}.ffn_norm.weight`),
        matrix(`${block}.ffn_gate.weight`, width, feedForward),
        matrix(`${block}.ffn_up.weight`, width, feedForward),
        matrix(`${block}.ffn_down.weight`, feedForward, width),
      ];
    }).flat(),
    ones('output_norm.weight'),
    output,
  ];
  const count = (value: number): MetadataValue => ({ type: 'uint32', value });
  return writeGguf(
    {
      'general.architecture': { type: 'string', value: 'llama' },
      'general.name': { type: 'string', value: 'tiny random llama' },
      'llama.context_length': count(contextTokens),
      'llama.embedding_length': count(width),
      'llama.block_count': count(layers),
      'llama.feed_forward_length': count(feedForward),
      'llama.attention.head_count': count(heads),
      'llama.attention.head_count_kv': count(heads),
      'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-5 },
      'llama.rope.dimension_count': count(width / heads),
      'llama.vocab_size': count(vocabulary),
      'tokenizer.ggml.model': { type: 'string', value: 'llama' },
      'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
      // A longer piece is taken before a shorter one.
      'tokenizer.ggml.scores': {
        type: 'float32s',
        value: tokens.map((token, i) => (i < firstWritten ? 0 : token.length)),
      },
      'tokenizer.ggml.token_type': { type: 'int32s', value: types },
      'tokenizer.ggml.unknown_token_id': count(0),
      'tokenizer.ggml.bos_token_id': count(1),
      'tokenizer.ggml.eos_token_id': count(2),
      'tokenizer.chat_template': {
        type: 'string',
        value: "{% for message in messages %}{{ message['content'] + '\\n' }}{% endfor %}",
      },
    },
    tensors,
  );
}
