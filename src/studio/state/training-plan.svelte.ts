import type { Budget } from '../../pipeline/budget.ts';
import type { PlannedTraining } from '../../pipeline/planner.ts';
import type { RecipeInput } from '../../pipeline/schema.ts';
import { problemOf, type Problem } from './problem.ts';
import type { StudioClient } from './studio-client.ts';

/** Milliseconds: what is typed is planned when the typing has paused. */
const pause = 150;

/** The plan of a training that is being chosen. It follows each change; a newer question ends the older one. */
export class TrainingPlan {
  /** Undefined where nothing can be planned. What was asked for last may differ, while {@link isPlanning}. */
  planned = $state.raw<PlannedTraining | undefined>();
  problem = $state.raw<Problem | undefined>();
  isPlanning = $state(false);
  #asked: string | undefined;
  #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param recipe undefined where choices are missing */
  ask(client: () => Promise<StudioClient>, recipe: RecipeInput | undefined, budget: Budget): void {
    const asked = recipe === undefined ? undefined : JSON.stringify([recipe, budget]);
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.problem = undefined;
    this.isPlanning = recipe !== undefined;
    if (recipe === undefined) {
      this.planned = undefined;
      return;
    }
    const stop = new AbortController();
    this.#stop = stop;
    const wait = this.planned === undefined ? 0 : pause;
    this.#timer = setTimeout(() => void this.#plan(client, recipe, budget, stop.signal), wait);
  }

  /** It is asked again, whatever was asked before: what is stored, or computes, has changed. */
  forget(): void {
    this.#asked = undefined;
  }

  async #plan(
    client: () => Promise<StudioClient>,
    recipe: RecipeInput,
    budget: Budget,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const opened = await client();
      const planned = await opened.planTraining(recipe, budget, signal, (counted) => {
        if (!signal.aborted) this.planned = counted;
      });
      if (signal.aborted) return;
      if (planned === null) this.#asked = undefined;
      else this.planned = planned;
    } catch (error) {
      if (signal.aborted) return;
      this.planned = undefined;
      this.problem = problemOf(error);
    }
    this.isPlanning = false;
  }
}
