import { canonicalJson } from '../core/canonical-json.ts';
import { InputError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import type { ByteSource } from '../core/source.ts';
import type { LoadableEncoder } from '../encoders/model-library.ts';
import { readTeacherScores, type TeacherScores } from '../lists/teacher-scores.ts';
import { readTextVectors } from '../retrieval/text-vectors.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { openPlace, type Place } from './recipe-lists.ts';

/** The scores of a teacher that ran elsewhere. */
export interface FileScores {
  /** As messages name it. */
  readonly name: string;
  readonly scores: TeacherScores;
  /** SHA-256 of what it holds. */
  readonly hash: string;
}

/** Reads each file once. */
abstract class FileShelf<Content> {
  readonly #corpus: RecipeCorpus;
  readonly #files: RecipeFiles;
  readonly #read = new Map<string, Promise<Content>>();

  constructor(corpus: RecipeCorpus, files: RecipeFiles) {
    this.#corpus = corpus;
    this.#files = files;
  }

  /** @throws InputError naming the file and the line */
  open({ corpusFile, file }: Place): Promise<Content> {
    const key = canonicalJson({ corpusFile: corpusFile ?? null, file: file ?? null });
    const known =
      this.#read.get(key) ??
      openPlace({ corpusFile, file }, this.#corpus, this.#files).then((source) => this.read(source));
    this.#read.set(key, known);
    return known;
  }

  protected abstract read(source: ByteSource): Promise<Content>;
}

export class ScoresShelf extends FileShelf<FileScores> {
  protected override async read(source: ByteSource): Promise<FileScores> {
    const scores = await readTeacherScores(source);
    if (scores.size === 0) {
      throw new InputError('contains no scores', {
        file: source.name,
        remedy: 'Use one line for each pair: query id, document id and score, separated by tabs',
      });
    }
    const hash = await sha256(JSON.stringify([...scores].map(([query, found]) => [query, [...found]])));
    return { name: source.name, scores, hash };
  }
}

/** Files of vectors, each as the encoder that made them. */
export class VectorsShelf extends FileShelf<LoadableEncoder> {
  protected override async read(source: ByteSource): Promise<LoadableEncoder> {
    const vectors = await readTextVectors(source);
    return { hash: vectors.hash, load: () => vectors.load() };
  }
}
