import * as tokenizers from '@huggingface/tokenizers';
import { printable, quoted } from '../core/shown.ts';
import type { ModelFolder } from '../host/contract.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { checkModelFileSize } from '../formats/file-limits.ts';
import { isJsonObject, ownField, parseJsonObject, shownJson, type JsonObject } from '../formats/json-file.ts';
import type { TextTokenizer } from './types.ts';

/** The part of the library that is used here. */
interface LibraryTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[] };
  get_vocab(): Map<string, number>;
  token_to_id(token: string): number | undefined;
}

// The library's declarations import each other without file extensions, which TypeScript does not resolve for
// ES modules in Node.
const { Tokenizer } = tokenizers as unknown as {
  Tokenizer: new (definition: JsonObject, settings: JsonObject) => LibraryTokenizer;
};

export interface TokenizerOptions {
  /** Puts every text into lower case first (sentence-transformers' do_lower_case). */
  readonly lowerCase?: boolean;
}

/** BERT's tokenizer: words cut into pieces, between [CLS] and [SEP]. `className` is its name in transformers. */
export const wordPiece = {
  className: 'BertTokenizer',
  read: readTokenizer,
  fromVocabulary: tokenizerFromVocabulary,
};
export type TokenizerKind = Readonly<typeof wordPiece>;

/**
 * Opens a BERT tokenizer from tokenizer.json, or from vocab.txt alone.
 * @throws InputError if the files are missing, broken or of another kind of tokenizer.
 */
async function readTokenizer(folder: ModelFolder, options: TokenizerOptions = {}): Promise<TextTokenizer> {
  const settings = (await folder.has('tokenizer_config.json'))
    ? parseJsonObject(await folder.read('tokenizer_config.json'), `${folder.name}/tokenizer_config.json`)
    : {};
  if (await folder.has('tokenizer.json')) {
    const file = `${folder.name}/tokenizer.json`;
    return new BertTokenizer(
      parseJsonObject(await folder.read('tokenizer.json'), file),
      settings,
      file,
      options,
    );
  }
  if (await folder.has('vocab.txt')) {
    const file = `${folder.name}/vocab.txt`;
    return new BertTokenizer(
      tokenizerFromVocabulary(await folder.read('vocab.txt'), settings, file),
      settings,
      file,
      options,
    );
  }
  throw new InputError('the folder has neither tokenizer.json nor vocab.txt', {
    file: folder.name,
    remedy: 'Add the tokenizer files that belong to the model',
  });
}

const SPECIAL_TOKENS = {
  unk_token: '[UNK]',
  sep_token: '[SEP]',
  pad_token: '[PAD]',
  cls_token: '[CLS]',
  mask_token: '[MASK]',
} as const;

/**
 * The equivalent of tokenizer.json, for folders that have only vocab.txt (one token a line, its id the line number).
 * @param settings tokenizer_config.json, or an empty object.
 */
function tokenizerFromVocabulary(
  bytes: Uint8Array<ArrayBuffer>,
  settings: JsonObject,
  file: string,
): JsonObject {
  checkModelFileSize(file, bytes.length, file);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError('the vocabulary is not UTF-8 text', { file, remedy: 'Download it again', cause });
  }
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  // A map first, so that no token can be taken for a property of objects.
  const ids = new Map(lines.map((token, id) => [token, id] as const));

  const named = (key: keyof typeof SPECIAL_TOKENS): string => tokenName(settings, key) ?? SPECIAL_TOKENS[key];
  const special = (key: keyof typeof SPECIAL_TOKENS): { id: string; ids: number[]; tokens: string[] } => {
    const token = named(key);
    const id = ids.get(token);
    if (id === undefined) {
      throw new InputError(`the vocabulary lacks the special token ${quoted(token)}`, {
        file,
        remedy: 'Use the vocabulary and tokenizer_config.json that belong to the model',
      });
    }
    return { id: token, ids: [id], tokens: [token] };
  };
  const cls = special('cls_token');
  const sep = special('sep_token');
  const item = (kind: 'SpecialToken' | 'Sequence', id: string, segment: number): JsonObject => ({
    [kind]: { id, type_id: segment },
  });
  const single = [item('SpecialToken', cls.id, 0), item('Sequence', 'A', 0), item('SpecialToken', sep.id, 0)];
  const keys = Object.keys(SPECIAL_TOKENS) as (keyof typeof SPECIAL_TOKENS)[];
  const addedTokens = keys
    .map((key) => ({ content: named(key), id: ids.get(named(key)) }))
    .filter(({ id }) => id !== undefined)
    .sort((a, b) => Number(a.id) - Number(b.id));
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens.map(({ id, content }) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: ownField(settings, 'tokenize_chinese_chars') ?? true,
      strip_accents: ownField(settings, 'strip_accents') ?? null,
      lowercase: ownField(settings, 'do_lower_case') ?? true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, item('Sequence', 'B', 1), item('SpecialToken', sep.id, 1)],
      special_tokens: Object.fromEntries([cls, sep].map((token) => [token.id, token])),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special('unk_token').id,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(ids),
    },
  };
}

/** A special token's name in tokenizer_config.json, plain or as an added token. */
function tokenName(settings: JsonObject, key: string): string | undefined {
  const value = ownField(settings, key);
  const name = isJsonObject(value) ? ownField(value, 'content') : value;
  return typeof name === 'string' ? name : undefined;
}

export interface PlainTokenizerOptions {
  /** Leaves out words that the vocabulary does not have. */
  readonly dropsUnknown?: boolean;
  /**
   * Cuts a text before it is tokenized: to the length of the vocabulary's median token for each token that it may have.
   */
  readonly cutsCharacters?: boolean;
}

/**
 * The tokens of a text alone, without special tokens around them: none where nothing of it is known.
 * @param definition tokenizer.json
 * @throws InputError if it is broken, or of another kind than WordPiece
 */
export function plainTokenizer(
  definition: JsonObject,
  file: string,
  { dropsUnknown = false, cutsCharacters = false }: PlainTokenizerOptions = {},
): TextTokenizer {
  checkDefinition(definition, file, { addsTokens: false });
  const prepare = likeReference(definition);
  const tokenizer = openTokenizer(definition, {}, file, (opened) => void opened.encode(''));
  const perToken = cutsCharacters ? medianLength(definition) : Infinity;
  const { unk_token: unknownToken } = ownField(definition, 'model') as JsonObject;
  const unknown = dropsUnknown ? tokenizer.token_to_id(String(unknownToken)) : undefined;
  const encode = (text: string, maxLength: number): Int32Array<ArrayBuffer> => {
    const cut = firstCharacters(text, maxLength * perToken);
    const { ids } = tokenizer.encode(prepare(cut), { add_special_tokens: false });
    return Int32Array.from(ids.slice(0, maxLength).filter((id) => id !== unknown));
  };
  return {
    vocabSize: vocabSizeOf(tokenizer),
    padId: tokenizer.token_to_id(SPECIAL_TOKENS.pad_token) ?? 0,
    encode,
    encodePair: (first, second, maxLength) => {
      const ids = Int32Array.from([...encode(first, maxLength), ...encode(second, maxLength)]);
      return { ids: ids.slice(0, maxLength), segments: new Int32Array(Math.min(maxLength, ids.length)) };
    },
  };
}

/** Of all tokens, those beside the vocabulary included. */
function medianLength(definition: JsonObject): number {
  const { vocab } = ownField(definition, 'model') as { readonly vocab: JsonObject };
  const added = ownField(definition, 'added_tokens') as readonly { readonly content: string }[];
  const tokens = new Set([...Object.keys(vocab), ...added.map(({ content }) => content)]);
  const lengths = Float64Array.from(tokens, (token) => Array.from(token).length).sort();
  const middle = lengths.length / 2;
  return Math.floor(((lengths[Math.ceil(middle) - 1] ?? 0) + (lengths[Math.floor(middle)] ?? 0)) / 2);
}

/** As Python counts them: a pair of surrogates is one. */
function firstCharacters(text: string, count: number): string {
  if (text.length <= count) return text;
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join('');
}

function openTokenizer(
  definition: JsonObject,
  settings: JsonObject,
  file: string,
  check: (tokenizer: LibraryTokenizer) => void,
): LibraryTokenizer {
  try {
    const tokenizer = new Tokenizer(definition, settings);
    check(tokenizer);
    return tokenizer;
  } catch (cause) {
    throw new InputError(`the tokenizer cannot be used: ${printable(messageOf(cause))}`, {
      file,
      remedy: 'Use the original tokenizer files of a BERT model',
      cause,
    });
  }
}

function vocabSizeOf(tokenizer: LibraryTokenizer): number {
  let size = 0;
  for (const id of tokenizer.get_vocab().values()) size = Math.max(size, id + 1);
  return size;
}

/** WordPiece between [CLS] and [SEP]. */
class BertTokenizer implements TextTokenizer {
  readonly vocabSize: number;
  readonly padId: number;
  readonly #tokenizer: LibraryTokenizer;
  readonly #prepare: (text: string) => string;
  readonly #cls: number;
  readonly #sep: number;

  constructor(definition: JsonObject, settings: JsonObject, file: string, options: TokenizerOptions) {
    checkDefinition(definition, file);
    const asReference = likeReference(definition);
    this.#prepare = options.lowerCase ? (text) => asReference(text.toLowerCase()) : asReference;
    let around: readonly number[] = [];
    this.#tokenizer = openTokenizer(definition, settings, file, (tokenizer) => {
      around = tokenizer.encode('').ids;
      if (around.length === 2) return;
      throw new Error('it does not add one token before and one after each text');
    });
    [this.#cls, this.#sep] = around as [number, number];
    this.vocabSize = vocabSizeOf(this.#tokenizer);
    this.padId =
      this.#tokenizer.token_to_id(tokenName(settings, 'pad_token') ?? SPECIAL_TOKENS.pad_token) ?? 0;
  }

  encode(text: string, maxLength: number): Int32Array<ArrayBuffer> {
    const words = this.#words(text);
    const kept = Math.min(words.length, Math.max(0, maxLength - 2));
    const ids = new Int32Array(kept + 2);
    ids[0] = this.#cls;
    for (let i = 0; i < kept; i++) ids[i + 1] = words[i] as number;
    ids[kept + 1] = this.#sep;
    return ids;
  }

  encodePair(
    first: string,
    second: string,
    maxLength: number,
  ): { ids: Int32Array<ArrayBuffer>; segments: Int32Array<ArrayBuffer> } {
    const a = this.#words(first);
    const b = this.#words(second);
    const [keptA, keptB] = longestFirst(a.length, b.length, Math.max(0, maxLength - 3));
    const ids = Int32Array.from([
      this.#cls,
      ...a.slice(0, keptA),
      this.#sep,
      ...b.slice(0, keptB),
      this.#sep,
    ]);
    const segments = new Int32Array(ids.length).fill(1, keptA + 2);
    return { ids, segments };
  }

  /** Token ids without special tokens, untruncated. */
  #words(text: string): number[] {
    return this.#tokenizer.encode(this.#prepare(text), { add_special_tokens: false }).ids;
  }
}

/** How many tokens each side keeps when the longer one is cut first; the odd one goes to the longer side. */
export function longestFirst(first: number, second: number, limit: number): [number, number] {
  if (first + second <= limit) return [first, second];
  const half = Math.floor(limit / 2);
  if (first > second) return second <= half ? [limit - second, second] : [limit - half, half];
  return first <= half ? [first, limit - first] : [half, limit - half];
}

/**
 * Settles beforehand where the library's BertNormalizer leaves Hugging Face's own: ideographs beyond 16 bits become
 * words of their own, and a capital sigma becomes σ also at the end of a word.
 */
function likeReference(definition: JsonObject): (text: string) => string {
  const normalizer = ownField(definition, 'normalizer');
  if (!isJsonObject(normalizer) || ownField(normalizer, 'type') !== 'BertNormalizer') return (text) => text;
  const spaced = ownField(normalizer, 'handle_chinese_chars') === true;
  const lowered = ownField(normalizer, 'lowercase') === true;
  return (text) => {
    if (!/[\u03A3\uD840-\uD87E]/.test(text)) return text;
    const separated = spaced ? text.replace(ASTRAL_IDEOGRAPH, ' $& ') : text;
    return lowered ? separated.replaceAll('\u03A3', '\u03C3') : separated;
  };
}
/** The blocks that BERT's tokenizer calls Chinese, above U+FFFF. */
const ASTRAL_IDEOGRAPH =
  /[\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;

/** Parts whose ids are known to be those of Hugging Face's own tokenizers. */
const KNOWN_PARTS: Readonly<Record<string, readonly unknown[]>> = {
  normalizer: ['BertNormalizer', 'Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'StripAccents', 'Sequence'],
  pre_tokenizer: ['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit', 'Punctuation', 'Sequence'],
  post_processor: ['TemplateProcessing', 'BertProcessing'],
};

/**
 * Checks what the tokenizer library takes on trust.
 * @param addsTokens whether special tokens are to stand around each text
 */
function checkDefinition(definition: JsonObject, file: string, { addsTokens = true } = {}): void {
  const refuse = (problem: string): never => {
    throw new InputError(problem, {
      file,
      remedy: 'Use a model that comes with a WordPiece tokenizer',
    });
  };
  const model = ownField(definition, 'model');
  if (!isJsonObject(model)) return refuse('the tokenizer has no model');
  checkWordLength(definition, file);
  // Files of 2020 leave the type out; only WordPiece has this prefix.
  const type = ownField(model, 'type') ?? ('continuing_subword_prefix' in model ? 'WordPiece' : undefined);
  if (type !== 'WordPiece') return refuse(`the tokenizer model ${shownJson(type)} is not supported`);
  const vocabulary = ownField(model, 'vocab');
  const unknown = ownField(model, 'unk_token');
  if (!isJsonObject(vocabulary)) return refuse('the tokenizer has no vocabulary');
  for (const [token, id] of Object.entries(vocabulary)) {
    if (!isTokenId(id)) refuse(`the token ${quoted(token)} has the id ${shownJson(id)}`);
  }
  if (typeof unknown !== 'string' || !Object.hasOwn(vocabulary, unknown)) {
    return refuse('the unknown token is not in the vocabulary');
  }
  const added = ownField(definition, 'added_tokens');
  if (!Array.isArray(added)) return refuse('the tokenizer has no list of added tokens');
  for (const token of added as readonly unknown[]) {
    if (!isJsonObject(token) || typeof token.content !== 'string' || !isTokenId(token.id)) {
      return refuse('the tokenizer has an added token without content or id');
    }
  }
  for (const [part, known] of Object.entries(KNOWN_PARTS)) {
    if (part !== 'post_processor' || addsTokens) checkPart(ownField(definition, part), part, known, refuse);
  }
}

/** As Google's own BERT has it; twice what others have. */
const MAX_WORD_LENGTH = 200;

/**
 * Refuses a tokenizer that cuts up longer words than any real one does: WordPiece takes quadratic time for a word.
 * @throws InputError
 */
export function checkWordLength(definition: JsonObject, file: string): void {
  const model = ownField(definition, 'model');
  const length = (isJsonObject(model) ? ownField(model, 'max_input_chars_per_word') : undefined) ?? 100;
  const isFitting =
    typeof length === 'number' && Number.isInteger(length) && length >= 1 && length <= MAX_WORD_LENGTH;
  if (isFitting) return;
  throw new InputError(
    `max_input_chars_per_word is ${shownJson(length)}, not a whole number from 1 to ${MAX_WORD_LENGTH}`,
    { file, remedy: 'Set it to 100, the usual value' },
  );
}

/** Beyond every real vocabulary; keeps the arrays that a hostile file can ask for small. */
const MAX_TOKEN_ID = 2 ** 24;

function isTokenId(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MAX_TOKEN_ID;
}

function checkPart(
  value: unknown,
  part: string,
  known: readonly unknown[],
  refuse: (problem: string) => never,
): void {
  if (value === undefined || value === null) {
    if (part === 'post_processor') refuse('the tokenizer adds no [CLS] and [SEP]');
    return;
  }
  const type = isJsonObject(value) ? ownField(value, 'type') : undefined;
  if (!isJsonObject(value) || !known.includes(type)) {
    return refuse(`the tokenizer's ${part} ${shownJson(type)} is not supported`);
  }
  if (type !== 'Sequence') return;
  const members = ownField(value, part === 'normalizer' ? 'normalizers' : 'pretokenizers');
  if (!Array.isArray(members)) return refuse(`the tokenizer's ${part} is an empty sequence`);
  const plain = known.filter((each) => each !== 'Sequence');
  for (const member of members as readonly unknown[]) checkPart(member, part, plain, refuse);
}
