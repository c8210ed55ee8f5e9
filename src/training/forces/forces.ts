import { decodeForces, type ForceFacts, type ForceRecord } from './record.ts';

/** What the lists of a query did to a passage, summed over a training. */
export interface PairForce {
  readonly query: string;
  readonly passage: string;
  readonly push: number;
  readonly pull: number;
  /** How often it was recorded. */
  readonly times: number;
}

/** What all lists did to a passage. */
export interface PassageForce {
  readonly passage: string;
  readonly push: number;
  readonly pull: number;
  readonly strongest: PairForce;
}

/** Push and pull of a training, to be looked up: by list, by passage, the strongest first. */
export class TrainingForces {
  readonly facts: ForceFacts;
  readonly #record: ForceRecord;
  readonly #byQuery: ReadonlyMap<string, readonly number[]>;
  readonly #byPassage: ReadonlyMap<string, readonly number[]>;

  constructor(record: ForceRecord) {
    const { from, to, strongest, droppedPairs, sources } = record;
    this.facts = { from, to, strongest, droppedPairs, sources };
    this.#record = record;
    this.#byQuery = grouped(record.queries, record.query);
    this.#byPassage = grouped(record.passages, record.passage);
  }

  static read(bytes: Uint8Array<ArrayBuffer>): TrainingForces {
    return new TrainingForces(decodeForces(bytes));
  }

  /** What a query's lists did to passages. */
  ofList(query: string): readonly PairForce[] {
    return this.#pairs(this.#byQuery.get(query) ?? []);
  }

  /** Whose lists pulled or pushed a passage. */
  ofPassage(passage: string): readonly PairForce[] {
    return this.#pairs(this.#byPassage.get(passage) ?? []);
  }

  /** The passages on which lists acted most. */
  passages(count = Infinity): readonly PassageForce[] {
    const all = [...this.#byPassage].flatMap(([passage, places]): PassageForce[] => {
      const [strongest] = this.#pairs(places);
      if (strongest === undefined) return [];
      const sum = (column: Float32Array): number =>
        places.reduce((total, place) => total + (column[place] as number), 0);
      return [{ passage, push: sum(this.#record.push), pull: sum(this.#record.pull), strongest }];
    });
    return all.sort((a, b) => b.push + b.pull - (a.push + a.pull)).slice(0, count);
  }

  #pairs(places: readonly number[]): readonly PairForce[] {
    const { queries, passages, query, passage, push, pull, times } = this.#record;
    return places
      .map((place) => ({
        query: queries[query[place] as number] as string,
        passage: passages[passage[place] as number] as string,
        push: push[place] as number,
        pull: pull[place] as number,
        times: times[place] as number,
      }))
      .sort((a, b) => b.push + b.pull - (a.push + a.pull));
  }
}

function grouped(ids: readonly string[], column: Uint32Array): ReadonlyMap<string, readonly number[]> {
  const places = ids.map((): number[] => []);
  column.forEach((id, place) => places[id]?.push(place));
  return new Map(ids.map((id, i) => [id, places[i] as number[]]));
}
