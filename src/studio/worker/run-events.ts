import { fillPrompt } from '../../generation/fill-prompt.ts';
import type { GenerationEvent } from '../../generation/generation-run.ts';
import { promptName, type Prompt } from '../../generation/prompt.ts';
import type { FoundStage, RecipeEvent } from '../../pipeline/job.ts';
import type { Recipe } from '../../pipeline/schema.ts';
import type { Stage } from '../../pipeline/stage.ts';
import { trainingLabel } from '../../pipeline/stage-graph.ts';
import type { View } from '../../pipeline/step-gate.ts';
import type { RunEvent, StageName, WatchedView, WrittenSample } from '../protocol.ts';

/** Milliseconds between two samples: a server may answer, and a recording always answers, faster than anybody reads. */
const sampleEvery = 400;

/** Says what happens in a job in a form that may leave the worker. */
export class RunEvents {
  /** Adds to a view what is known of its passages; without it views are not told. */
  describe: ((view: View) => Promise<WatchedView>) | undefined;
  readonly #trainings = new Map<string, { readonly arm: string; readonly seed: number }>();
  #sampledAt = -Infinity;

  constructor(recipe: Recipe) {
    for (const { name } of recipe.arms) {
      for (const seed of recipe.seeds) this.#trainings.set(trainingLabel(name, seed), { arm: name, seed });
    }
  }

  /** What the page is told: nothing of an event among many. */
  of(event: RecipeEvent): readonly RunEvent[] {
    const { secondsLeft } = event;
    const stage = this.#nameOf(event.stage);
    switch (event.kind) {
      case 'stage': {
        const seconds = event.state === 'finished' ? event.seconds : undefined;
        const told: RunEvent = { kind: 'stage', stage, state: event.state, seconds, secondsLeft };
        return event.state === 'started' ? [told] : [told, ...this.ofStored(event)];
      }
      case 'progress': {
        const { done, total, detail } = event;
        return [{ kind: 'progress', stage, done, total, detail, secondsLeft }];
      }
      case 'view':
      case 'found':
        return [];
      case 'warning':
        return [{ kind: 'warning', stage, warning: event.warning }];
      case 'training':
        return [{ kind: 'training', stage, event: event.event, secondsLeft }];
      case 'generation':
        return this.#writing(stage, event.prompt, event.event);
    }
  }

  /** What the page is told of a view. */
  async ofView({ stage, view }: Extract<RecipeEvent, { kind: 'view' }>): Promise<RunEvent | undefined> {
    const described = await this.describe?.(view);
    return described && { kind: 'view', stage: this.#nameOf(stage), view: described };
  }

  /** What is stored of a run's lists, whichever of them it still asks for. */
  ofStored({ stage, result }: FoundStage): readonly RunEvent[] {
    const finding = stage.finding?.(result.value);
    return finding === undefined ? [] : [{ ...finding, stage: this.#nameOf(stage) }];
  }

  #writing(stage: StageName, prompt: Prompt, event: GenerationEvent): readonly RunEvent[] {
    if (event.kind === 'loading') return [{ kind: 'loading', stage, progress: event.loading }];
    if (event.kind !== 'finished-task' && event.kind !== 'rejected') return [];
    const { progress } = event;
    const isLast = progress.done + progress.open === progress.tasks;
    const now = performance.now();
    if (now - this.#sampledAt < sampleEvery && !isLast) return [];
    this.#sampledAt = now;
    return [{ kind: 'reply', stage, progress, sample: sampleOf(prompt, event) }];
  }

  #nameOf({ kind, label, key }: Stage): StageName {
    return { kind, label, key, ...this.#trainings.get(label) };
  }
}

/** A reply with what was asked. */
export function sampleOf(
  prompt: Prompt,
  event: Extract<GenerationEvent, { kind: 'finished-task' | 'rejected' }>,
): WrittenSample {
  const { task, entry } = event.kind === 'rejected' ? event : event.finished;
  // Each further attempt has the next seed; the examples are drawn by the first.
  const { messages } = fillPrompt(prompt, task.slots, entry.seed - entry.attempt);
  return {
    prompt: promptName(prompt),
    task: task.id,
    model: entry.model,
    recorded: entry.recorded,
    messages,
    text: entry.text,
    items: event.kind === 'rejected' ? [] : event.finished.items,
    error: event.kind === 'rejected' ? (entry.error ?? 'the reply did not fit') : undefined,
  };
}
