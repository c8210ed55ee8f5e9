import { join } from 'node:path';
import { passageText, readDocuments } from '../corpus/documents.ts';
import { readJudgments } from '../corpus/judgments.ts';
import { readQueries } from '../corpus/queries.ts';
import { chooseTokens, specialTokens, wordPieceVocabulary } from '../encoders/prune-vocabulary.ts';
import type { EncoderModel } from '../encoders/types.ts';
import { InputError } from '../core/errors.ts';
import type { DistillationRecipe } from '../training/distillation/recipe.ts';
import { distinctTexts, documentTexts, wordTexts } from '../training/distillation/texts.ts';
import { openFile } from './input-files.ts';

/** The texts of a distillation, and the tokens its student keeps of the teacher's vocabulary. */
export interface DistillationData {
  readonly texts: readonly string[];
  /** Of the student's vocabulary, by its ids. */
  readonly tokens: readonly string[];
}

/** What gives a student its vocabulary and width: a static encoder, or sizes, where it keeps the teacher's frequent tokens. */
export type StudentOrigin =
  | { readonly start: EncoderModel }
  | { readonly start?: undefined; readonly vocabSize: number; readonly hiddenSize: number };

/**
 * Reads what a recipe names. Queries of neither train split nor recipe are kept out by their text.
 */
export async function distillationData(
  recipe: DistillationRecipe,
  folder: string,
  teacher: EncoderModel,
  origin: StudentOrigin,
): Promise<DistillationData> {
  const { corpora, texts: files, queries, neverTexts, randomPhrases } = recipe.texts;
  const texts: string[] = [];
  const passages: string[] = [];
  for (const corpus of corpora) {
    for await (const document of readDocuments(await openFile(join(folder, corpus)))) {
      const pieces = documentTexts(document, recipe.seed);
      passages.push(...pieces.slice(0, 1));
      texts.push(...pieces);
    }
  }
  for (const file of files) {
    for await (const document of readDocuments(await openFile(join(folder, file)))) {
      const text = passageText(document);
      passages.push(text);
      texts.push(text);
    }
  }
  const trained = new Set<string>();
  const forbidden: string[] = [];
  for (const { file, judgments } of queries) {
    const judged = await readJudgments(await openFile(join(folder, judgments)));
    for (const query of await readQueries(await openFile(join(folder, file)))) {
      if (judged.has(query.id)) trained.add(query.text);
    }
  }
  for (const file of neverTexts) {
    for (const query of await readQueries(await openFile(join(folder, file)))) {
      if (!trained.has(query.text)) forbidden.push(query.text);
    }
  }
  const tokens =
    origin.start === undefined
      ? chosenTokens(teacher, passages, origin.vocabSize)
      : tokensOfStart(origin.start);
  const words = tokens.filter((token) => /^[a-z]{3,}$/.test(token));
  return {
    texts: distinctTexts([...trained, ...texts, ...wordTexts(words, randomPhrases, recipe.seed)], forbidden),
    tokens,
  };
}

/** Those of the teacher's tokens that a new student keeps. */
function chosenTokens(
  teacher: EncoderModel,
  passages: readonly string[],
  vocabSize: number,
): readonly string[] {
  const vocabulary = tokensOf(teacher);
  const counts = new Uint32Array(vocabulary.length);
  for (const text of passages) {
    for (const id of teacher.tokenizer.encode(text, longestPassage)) counts[id] = (counts[id] as number) + 1;
  }
  return chooseTokens(vocabulary, counts, vocabSize).map((id) => vocabulary[id] as string);
}

/** Those of a static encoder, and the special tokens that it lacks. */
function tokensOfStart(start: EncoderModel): readonly string[] {
  return [...new Set([...specialTokens, ...tokensOf(start)])];
}

/** An encoder's WordPiece vocabulary, by id. @throws InputError if it has none */
export function tokensOf(model: EncoderModel): readonly string[] {
  return wordPieceVocabulary(tokenizerFile(model), `${model.name}/tokenizer.json`);
}

/** In tokens; for counting only. */
const longestPassage = 100_000;

function tokenizerFile({ baggage, name }: EncoderModel): Uint8Array<ArrayBuffer> {
  const file = baggage.files.get('tokenizer.json');
  if (file !== undefined) return file;
  throw new InputError('the model has no tokenizer.json', {
    file: name,
    remedy: 'Use a model of the BERT family with a tokenizer.json',
  });
}
