import { InputError } from '../core/errors.ts';
import { parseJsonObject, isJsonObject } from '../formats/json-file.ts';

/** WordPiece's special tokens come first in a pruned vocabulary, in this order. */
export const specialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** A vocabulary's tokens by id, from a tokenizer.json. @throws InputError if it holds no WordPiece vocabulary */
export function wordPieceVocabulary(tokenizerJson: Uint8Array<ArrayBuffer>, file: string): string[] {
  const { model } = parseJsonObject(tokenizerJson, file);
  const vocabulary = isJsonObject(model) && isJsonObject(model.vocab) ? model.vocab : undefined;
  if (vocabulary === undefined) {
    throw new InputError('there is no WordPiece vocabulary', {
      file,
      remedy: 'Use a model of the BERT family with a tokenizer.json',
    });
  }
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(vocabulary)) tokens[id as number] = token;
  return tokens;
}

/**
 * Chooses the tokens of a smaller WordPiece vocabulary: the special tokens; every printable ASCII character, alone
 * and as a continuation, so that no English text has an unknown token; the tokens that the counts say are frequent;
 * and, for the last quarter, whole words in the order of the vocabulary, which in BERT's is about their frequency in
 * English.
 * @param tokens the vocabulary, by id
 * @param counts how often each id occurs in the relevant texts
 * @returns ids of the vocabulary to keep, `size` of them, special tokens first and the others ascending
 */
export function chooseTokens(tokens: readonly string[], counts: ArrayLike<number>, size: number): number[] {
  const ids = new Map(tokens.map((token, id) => [token, id] as const));
  const special = specialTokens.flatMap((token) => ids.get(token) ?? []);
  const kept = new Set<number>();
  for (let code = 0x21; code < 0x7f; code++) {
    const character = String.fromCharCode(code);
    for (const token of [character, `##${character}`]) {
      const id = ids.get(token);
      if (id !== undefined) kept.add(id);
    }
  }
  const room = size - special.length;
  const frequent = tokens
    .map((_, id) => id)
    .filter((id) => (counts[id] ?? 0) > 0 && !special.includes(id))
    .sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b);
  for (const id of frequent) if (kept.size < room * 0.75) kept.add(id);
  for (const [id, token] of tokens.entries()) if (kept.size < room && /^[a-z]{2,}$/.test(token)) kept.add(id);
  return [...special, ...[...kept].sort((a, b) => a - b)];
}
