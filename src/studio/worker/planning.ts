/** Plans a training while it is chosen, beside what the worker does otherwise. */
import { isBuiltIn } from '../../host/built-in-models.ts';
import type { DataFacts } from '../../pipeline/data-facts.ts';
import { TrainingPlanner, type PlannedTraining, type PlannerParts } from '../../pipeline/planner.ts';
import { readRecipe } from '../../pipeline/read-recipe.ts';
import { RecipeStoppedError } from '../../pipeline/stage.ts';
import type { FactsQuestion, PlanningCalls } from '../planning-protocol.ts';

export class Planning {
  readonly #planner: TrainingPlanner;
  readonly #isBusy: () => boolean;
  #current: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;

  /** @param isBusy whether something computes, which a measurement would disturb and be disturbed by */
  constructor(parts: Omit<PlannerParts, 'isHere'>, isBusy: () => boolean) {
    this.#isBusy = isBusy;
    this.#planner = new TrainingPlanner({
      ...parts,
      // What is kept here has no slash in its id.
      isHere: (model) => isBuiltIn(model) || !model.includes('/'),
    });
  }

  facts({ corpusId, encoder, testSplit }: FactsQuestion): Promise<DataFacts> {
    return this.#planner.facts(corpusId, encoder, testSplit);
  }

  /** Ends the plan that is being made, and makes this one. @returns null where a newer one has ended it */
  async plan(
    { recipe, budget }: PlanningCalls['planTraining']['ask'],
    tell: (planned: PlannedTraining) => void,
    signal: AbortSignal,
  ): Promise<PlannedTraining | null> {
    const earlier = this.stop();
    const stop = new AbortController();
    signal.addEventListener('abort', () => stop.abort(), { once: true });
    if (signal.aborted) stop.abort();
    const planned = earlier.then(() =>
      this.#planner.plan(readRecipe(recipe), {
        budget,
        signal: stop.signal,
        measures: !this.#isBusy(),
        onCounted: tell,
      }),
    );
    this.#current = { stop, ended: planned.catch(() => undefined) };
    try {
      return await planned;
    } catch (error) {
      if (error instanceof RecipeStoppedError || stop.signal.aborted) return null;
      throw error;
    }
  }

  /** Ends the plan that is being made. @returns when nothing computes for it any more */
  async stop(): Promise<void> {
    this.#current?.stop.abort();
    await this.#current?.ended;
  }
}
