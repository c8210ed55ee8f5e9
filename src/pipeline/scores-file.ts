import { canonicalJson } from '../core/canonical-json.ts';
import { InputError } from '../core/errors.ts';
import { sha256 } from '../core/sha256.ts';
import { readTeacherScores, type TeacherScores } from '../lists/teacher-scores.ts';
import type { RecipeCorpus, RecipeFiles } from './recipe-corpus.ts';
import { openPlace } from './recipe-lists.ts';

/** Where scores lie. */
export interface ScoresPlace {
  readonly corpusFile?: string | undefined;
  readonly file?: string | undefined;
}

/** The scores of a teacher that ran elsewhere. */
export interface FileScores {
  /** As messages name it. */
  readonly name: string;
  readonly scores: TeacherScores;
  /** SHA-256 of what it holds. */
  readonly hash: string;
}

/** Reads each file of scores once. */
export class ScoresShelf {
  readonly #corpus: RecipeCorpus;
  readonly #files: RecipeFiles;
  readonly #read = new Map<string, Promise<FileScores>>();

  constructor(corpus: RecipeCorpus, files: RecipeFiles) {
    this.#corpus = corpus;
    this.#files = files;
  }

  /** @throws InputError naming the file and the line */
  open({ corpusFile, file }: ScoresPlace): Promise<FileScores> {
    const key = canonicalJson({ corpusFile: corpusFile ?? null, file: file ?? null });
    const known = this.#read.get(key) ?? this.#open({ corpusFile, file });
    this.#read.set(key, known);
    return known;
  }

  async #open(place: ScoresPlace): Promise<FileScores> {
    const source = await openPlace(place, this.#corpus, this.#files);
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
