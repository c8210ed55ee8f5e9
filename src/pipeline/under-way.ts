/** How far a piece of work has come. */
export interface Reached {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** The trainings at work: one as it is, several as one piece of work. */
export class UnderWay {
  readonly #trainings = new Map<string, Reached>();

  /** What all have reached, now that one has done so many steps. */
  reach(
    { key, label }: { readonly key: string; readonly label: string },
    done: number,
    total: number,
  ): Reached {
    const one = { label, done, total };
    this.#trainings.set(key, one);
    const all = [...this.#trainings.values()];
    if (all.length === 1) return one;
    const sum = (of: 'done' | 'total'): number => all.reduce((steps, each) => steps + each[of], 0);
    return { label: `${all.length} trainings at once`, done: sum('done'), total: sum('total') };
  }

  /** It is finished, or begins anew. */
  leave({ key }: { readonly key: string }): void {
    this.#trainings.delete(key);
  }
}

/** What stages take together: trainings, which count steps, are so many at once. */
export function secondsOfAll(
  stages: readonly { readonly steps?: unknown; readonly seconds: number }[],
  trainingsAtOnce: number,
): number {
  const trainings = stages.flatMap(({ steps, seconds }) => (steps === undefined ? [] : [seconds]));
  const sum = (all: readonly number[]): number => all.reduce((total, seconds) => total + seconds, 0);
  const others = sum(stages.map(({ seconds }) => seconds)) - sum(trainings);
  return others + Math.max(sum(trainings) / trainingsAtOnce, ...trainings);
}
