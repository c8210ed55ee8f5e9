/** A guard of training lists with the stages that it needs. */
import { newCounts, type ListsGuard, type QueriesOfStages } from './lists-guard.ts';
import type { Stage, Workshop } from './stage.ts';

export interface Guard extends ListsGuard {
  /** Of all that {@link guard} looks at. */
  readonly hash: string;
  /** The stages that write queries that are held out. */
  readonly needs: readonly Stage[];
  written(workshop: Pick<Workshop, 'listsOf' | 'resultOf'>): Promise<QueriesOfStages>;
}

/** Of lists that are not trained on. */
export const unguarded: Guard = {
  hash: '',
  needs: [],
  written: () => Promise.resolve({ test: [], dev: [] }),
  guard: (lists) => ({ lists, report: newCounts() }),
};
