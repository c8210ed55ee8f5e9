/** What the page asks of a training that is being chosen, and what it is told of it. */
import type { Budget } from '../pipeline/budget.ts';
import type { DataFacts } from '../pipeline/data-facts.ts';
import type { PlannedTraining } from '../pipeline/planner.ts';
import type { RecipeInput } from '../pipeline/schema.ts';

export interface FactsQuestion {
  /** A kept corpus. */
  readonly corpusId: string;
  /** Whose tokenizer reads the texts. */
  readonly encoder: string;
  readonly testSplit: string | null;
}

export interface PlanningCalls {
  /** What a kept corpus is like. */
  dataFacts: { readonly ask: FactsQuestion; readonly answer: DataFacts };
  /**
   * What a recipe takes, all of it and within a budget. A newer question ends an older one, which answers null. While
   * this computer is measured, it tells what is known already.
   */
  planTraining: {
    readonly ask: { readonly recipe: RecipeInput; readonly budget: Budget };
    readonly answer: PlannedTraining | null;
    readonly progress: PlannedTraining;
  };
}
