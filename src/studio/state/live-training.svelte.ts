import type { Pace } from '../../pipeline/lock-step.ts';
import type { Scene, WatchedView } from '../protocol.ts';
import { putPoint, type Point } from './curves.ts';

/** What is shown of trainings that somebody watches. */
export class LiveTraining {
  scene = $state.raw<Scene | undefined>();
  /** The latest of each arm. */
  views = $state.raw<ReadonlyMap<string, WatchedView>>(new Map());
  /** nDCG@10 on dev of each arm, at every step that was looked at. */
  dev = $state.raw<ReadonlyMap<string, readonly Point[]>>(new Map());
  pace = $state<Pace>('full');
  query = $state('');

  readonly #views = new Map<string, WatchedView>();
  readonly #dev = new Map<string, Point[]>();

  constructor(query: string) {
    this.query = query;
  }

  /** Takes a view; `draw` shows it. */
  show(arm: string, view: WatchedView): void {
    // A view of the query before: it was on its way.
    if (view.query === this.query) this.#views.set(arm, view);
    if (view.dev !== undefined) this.addDev(arm, view.step, view.dev);
  }

  addDev(arm: string, step: number, value: number): void {
    const points = this.#dev.get(arm) ?? [];
    putPoint(points, step, value);
    this.#dev.set(arm, points);
  }

  /** Shows what was taken since. */
  draw(): void {
    this.views = new Map(this.#views);
    this.dev = new Map([...this.#dev].map(([arm, points]) => [arm, [...points]]));
  }
}
