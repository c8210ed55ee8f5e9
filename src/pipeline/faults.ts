import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { formatPath } from './describe-issues.ts';

/** Where a value of a recipe stands. */
export type Path = readonly (string | number)[];

/** Notes what is wrong, each with its path. */
export class Faults {
  readonly lines: string[] = [];

  add(path: Path, problem: string): void {
    this.lines.push(`${formatPath(path)}: ${problem}`);
  }

  /** A name that must be one of the known. */
  reference(path: Path, typed: string, known: readonly string[], what: string): void {
    if (known.includes(typed)) return;
    const nearest = nearestName(typed, known);
    const hint =
      nearest === undefined ? `known: ${known.join(', ') || 'none'}` : `did you mean "${nearest}"?`;
    this.add(path, `there is no ${what} "${typed}" (${hint})`);
  }

  /** What a reader of texts says. */
  attempt(path: Path, read: () => unknown): boolean {
    try {
      read();
      return true;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.add(path, `${error.problem} (${error.remedy})`);
      return false;
    }
  }

  distinct(path: (place: number) => Path, names: readonly string[], what: string): void {
    names.forEach((name, place) => {
      const earlier = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
      if (earlier < place) this.add(path(place), `two ${what} have the name "${name}"`);
    });
  }
}

/** A scorer that is a file names one. */
export function checkScorer(
  scorer: { readonly from: string; file?: string | undefined; corpusFile?: string | undefined } | undefined,
  at: Path,
  faults: Faults,
): void {
  if (scorer?.from === 'file' || scorer?.from === 'vectors') checkFile(scorer, at, faults);
}

/** A file that belongs to the corpus, or one anywhere: one of the two. */
export function checkFile(
  given: { file?: string | undefined; corpusFile?: string | undefined },
  at: Path,
  faults: Faults,
): void {
  if ((given.file === undefined) === (given.corpusFile === undefined)) {
    faults.add(at, 'set either "corpusFile" or "file"');
  }
}
