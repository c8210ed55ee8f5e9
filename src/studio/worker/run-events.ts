import type { RecipeEvent } from '../../recipes/job.ts';
import type { Recipe } from '../../recipes/schema.ts';
import type { Stage } from '../../recipes/stage.ts';
import { trainingLabel } from '../../recipes/stage-graph.ts';
import type { RunEvent, StageName } from '../protocol.ts';

/** Says what happens in a job in a form that may leave the worker. */
export class RunEvents {
  readonly #trainings = new Map<string, { readonly arm: string; readonly seed: number }>();

  constructor(recipe: Recipe) {
    for (const { name } of recipe.arms) {
      for (const seed of recipe.seeds) this.#trainings.set(trainingLabel(name, seed), { arm: name, seed });
    }
  }

  of(event: RecipeEvent): RunEvent {
    const { secondsLeft } = event;
    const stage = this.#nameOf(event.stage);
    switch (event.kind) {
      case 'stage': {
        const seconds = event.state === 'finished' ? event.seconds : undefined;
        return { kind: 'stage', stage, state: event.state, seconds, secondsLeft };
      }
      case 'progress': {
        const { done, total, detail } = event;
        return { kind: 'progress', stage, done, total, detail, secondsLeft };
      }
      case 'training':
        return { kind: 'training', stage, event: event.event, secondsLeft };
    }
  }

  #nameOf({ kind, label, key }: Stage): StageName {
    const name = { kind, label, key };
    return kind === 'training' ? { ...name, ...this.#trainings.get(label) } : name;
  }
}
