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

  constructor(query: string) {
    this.query = query;
  }

  show(arm: string, view: WatchedView): void {
    // A view of the query before: it was on its way.
    if (view.query === this.query) this.views = new Map(this.views).set(arm, view);
    if (view.dev !== undefined) this.addDev(arm, view.step, view.dev);
  }

  addDev(arm: string, step: number, value: number): void {
    const points = [...(this.dev.get(arm) ?? [])];
    putPoint(points, step, value);
    this.dev = new Map(this.dev).set(arm, points);
  }
}
