import type { Embedder } from '../encoders/embedder.ts';
import { deferred, startTimer } from '../core/waiting.ts';
import type { Clock } from '../host/contract.ts';
import { VectorIndex } from '../retrieval/vectors.ts';
import { devMeasures } from '../training/dev-evaluation.ts';
import { principalComponents } from '../training/distillation/principal-components.ts';
import type { Evaluate } from '../training/trainer.ts';

/** What somebody watches while encoders train. It may be sent to another worker. */
export interface Watched {
  readonly query: string;
  /** Among which the query searches. */
  readonly passages: { readonly ids: readonly string[]; readonly texts: readonly string[] };
  /** The plane of a map: where its middle is, and its two axes, each of the encoder's dimensions. */
  readonly plane: MapPlane | undefined;
}

/** A plane in an encoder's space. */
export interface MapPlane {
  readonly middle: Float64Array;
  readonly axes: readonly [Float64Array, Float64Array];
}

export type MapPoint = readonly [x: number, y: number];

/** What an encoder makes of a watched query after so many steps. */
export interface View {
  readonly step: number;
  readonly query: string;
  /** The best first. */
  readonly best: readonly { readonly id: string; readonly score: number }[];
  readonly point: MapPoint | undefined;
  /** nDCG@10 on the dev queries; undefined without any. */
  readonly dev: number | undefined;
}

/** Passages of a view. */
const shown = 10;
/** A view takes a share of the time no larger than this, however large the corpus is. */
const largestShare = 1 / 7;
/** Milliseconds between two views: an eye follows no more. */
const leastSpacing = 120;

/** The plane in which vectors differ most: through their mean, along their first two principal components. */
export function planeOf(vectors: Float32Array, dimensions: number): MapPlane {
  const middle = new Float64Array(dimensions);
  const rows = Math.max(1, vectors.length / dimensions);
  for (let i = 0; i < vectors.length; i++) {
    const column = i % dimensions;
    middle[column] = (middle[column] as number) + (vectors[i] as number) / rows;
  }
  const centered = vectors.map((value, i) => value - (middle[i % dimensions] as number));
  const components = principalComponents(centered, dimensions, 2);
  const axis = (column: number): Float64Array =>
    Float64Array.from({ length: dimensions }, (_, i) => components[2 * i + column] as number);
  return { middle, axes: [axis(0), axis(1)] };
}

/** Where a vector lies on a map. */
export function mapPoint({ middle, axes }: MapPlane, vector: Float32Array): MapPoint {
  const along = (axis: Float64Array): number =>
    axis.reduce((sum, value, i) => sum + value * ((vector[i] as number) - (middle[i] as number)), 0);
  return [along(axes[0]), along(axes[1])];
}

/** Stands between the steps of a training: holds it where it may go no further, and shows what it has learned. */
export class StepGate {
  readonly #clock: Clock;
  readonly #show: (view: View) => void;
  #lastStep = Number.POSITIVE_INFINITY;
  #watched: Watched | undefined;
  #change = deferred();
  /** Of the last view. */
  #viewed: { readonly watched: Watched; readonly step: number } | undefined;
  #viewedAt = Number.NEGATIVE_INFINITY;
  #spacing = leastSpacing;

  /** @param show takes each view */
  constructor(clock: Clock, show: (view: View) => void) {
    this.#clock = clock;
    this.#show = show;
  }

  /** Lets the training go on until it has done so many steps. */
  allow(step: number): void {
    this.#lastStep = step;
    this.#changed();
  }

  /** From now on this is watched; undefined ends it. */
  watch(watched: Watched | undefined): void {
    this.#watched = watched;
    this.#changed();
  }

  /**
   * Returns when the training may do its next step.
   * @param signal ends every wait: who aborts wants an end
   * @param evaluate gives the dev figure of a view
   * @param isLast it will do none
   */
  async pass(
    embedder: Embedder,
    step: number,
    { signal, evaluate, isLast }: { signal: AbortSignal; evaluate: Evaluate | undefined; isLast: boolean },
  ): Promise<void> {
    const end = (): void => this.#changed();
    signal.addEventListener('abort', end);
    try {
      for (;;) {
        const change = this.#change.promise;
        const wait = this.#untilDue(step, isLast);
        if (wait <= 0 && !signal.aborted) {
          await this.#view(embedder, step, evaluate);
          continue;
        }
        if (step < this.#lastStep || isLast || signal.aborted) return;
        await changeWithin(change, wait);
      }
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = deferred();
  }

  /** Milliseconds until there is something new to show. */
  #untilDue(step: number, isLast: boolean): number {
    if (this.#watched === undefined) return Number.POSITIVE_INFINITY;
    if (this.#viewed?.watched !== this.#watched) return 0;
    if (this.#viewed.step === step) return Number.POSITIVE_INFINITY;
    if (isLast) return 0;
    return this.#viewedAt + this.#spacing - this.#clock.now();
  }

  async #view(embedder: Embedder, step: number, evaluate: Evaluate | undefined): Promise<void> {
    const watched = this.#watched;
    if (watched === undefined) return;
    const startedAt = this.#clock.now();
    const { query, passages, plane } = watched;
    const vectors = await embedder.embed(passages.texts, 'passage');
    const vector = await embedder.embed([query], 'query');
    const [best = []] = await new VectorIndex(passages.ids, vectors, embedder.dimensions).search(
      vector,
      shown,
    );
    const dev = (await evaluate?.(embedder, step))?.[devMeasures[0]];
    this.#viewed = { watched, step };
    this.#viewedAt = this.#clock.now();
    this.#spacing = Math.max(leastSpacing, (this.#viewedAt - startedAt) / largestShare);
    this.#show({
      ...{ step, query, dev },
      best: best.map(({ id, score }) => ({ id, score })),
      point: plane && mapPoint(plane, vector),
    });
  }
}

/** Waits for a change, at most so many milliseconds. */
async function changeWithin(change: Promise<void>, milliseconds: number): Promise<void> {
  if (!Number.isFinite(milliseconds)) return change;
  const late = deferred();
  const cancel = startTimer(late.resolve, milliseconds);
  await Promise.race([change, late.promise]);
  cancel();
}
