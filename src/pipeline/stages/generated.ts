import type { GenerationEvent, GenerationResult } from '../../generation/generation-run.ts';
import { promptName, type Prompt } from '../../generation/prompt.ts';
import { runGeneration } from '../../generation/run-generation.ts';
import { listsFrom, tasksFor, type Subject } from '../../generation/subject.ts';
import { InputError } from '../../core/errors.ts';
import type { Generator } from '../../host/generator.ts';
import { jsonOf } from '../../core/json.ts';
import type { HeldOut } from '../held-out.ts';
import { guardedLists, writtenFinding, type ListsReport } from '../lists-report.ts';
import {
  RecipeStoppedError,
  makeListsStage,
  noWork,
  type ListsStage,
  type Task,
  type Workshop,
} from '../stage.ts';
import { stageKey } from '../stage-store.ts';
import { expectedRequests, type WrittenAbout } from '../written-about.ts';
import { promptReport } from '../written-report.ts';

export interface GeneratedStageParts {
  readonly source: string;
  /** The generator's name in the recipe. */
  readonly role: string;
  /** As its replies are named in the log. */
  readonly model: string;
  /** SHA-256 of a recorded log, null where a model writes. */
  readonly recorded: string | null;
  readonly prompts: readonly Prompt[];
  readonly about: WrittenAbout;
  readonly seed: number;
  readonly heldOut: HeldOut;
}

/** Replies after which the time of one is known well enough for a plan. */
const pacedReplies = 8;

/**
 * Training lists that a language model writes. Each reply is in the store's log as soon as it arrives: a stage that
 * was ended asks for what is missing.
 */
export async function generatedStage(parts: GeneratedStageParts): Promise<ListsStage<ListsReport>> {
  const { source, role, model, recorded, prompts, about, seed, heldOut } = parts;
  const pace = await stageKey({ kind: 'pace', version: 1 }, { model, prompts: prompts.map(promptName) });
  return makeListsStage({
    kind: 'generated',
    version: 1,
    unit: 'requests',
    finding: writtenFinding,
    label: `lists of ${source}, written by ${role}`,
    inputs: {
      model,
      recorded,
      prompts: jsonOf(prompts),
      about: about.inputs,
      seed,
      heldOut: heldOut.hash,
    },
    needs: about.needs,
    work: {
      ...noWork,
      ...(recorded === null && { requests: { count: expectedRequests(prompts, about), pace } }),
    },
    run: async (workshop, task) => {
      const subject = await about.open(workshop);
      const generator = await workshop.generator(role);
      try {
        const writing = new Writing(parts, generator, pace, workshop, task);
        const results = await writing.all(subject);
        const written = results.map(({ finished }, i) => ({ prompt: prompts[i] as Prompt, finished }));
        const lists = listsFrom(subject, written);
        if (lists.length === 0) throw nothingFits(parts, results);
        return guardedLists(heldOut, lists, recorded !== null, {
          written: { model, prompts: results.map((result, i) => promptReport(prompts[i] as Prompt, result)) },
        });
      } finally {
        // A model in the tab holds the device that trainings need.
        await generator.unload();
      }
    },
  });
}

/** Asks a model for all prompts of a source, one after another. */
class Writing {
  readonly #parts: GeneratedStageParts;
  readonly #generator: Generator;
  readonly #pace: string;
  readonly #workshop: Workshop;
  readonly #task: Task;
  #pacedAt = 0;

  constructor(
    parts: GeneratedStageParts,
    generator: Generator,
    pace: string,
    workshop: Workshop,
    task: Task,
  ) {
    this.#parts = parts;
    this.#generator = generator;
    this.#pace = pace;
    this.#workshop = workshop;
    this.#task = task;
  }

  /** @throws RecipeStoppedError where the user asked for an end. @throws Error where requests had no answer */
  async all(subject: Subject): Promise<readonly GenerationResult[]> {
    const { prompts, seed } = this.#parts;
    const log = await this.#workshop.generationLog();
    const tasks = prompts.map((prompt) => tasksFor(prompt, subject));
    const total = tasks.reduce((sum, { length }) => sum + length, 0);
    const { signal } = this.#workshop;
    const results: GenerationResult[] = [];
    try {
      let before = 0;
      for (const [i, prompt] of prompts.entries()) {
        const own = tasks[i] ?? [];
        const result = await runGeneration({
          ...{ tasks: own, prompt, generator: this.#generator, log, signal },
          settings: { seed, firstWaitSeconds: this.#workshop.retrySeconds },
          clock: this.#workshop.clock,
          ...(this.#workshop.pause !== undefined && { pause: this.#workshop.pause }),
          onEvent: (event) => {
            this.#task.generation(prompt, event);
            this.#show(event, before, total);
          },
        });
        before += own.length;
        results.push(result);
        await this.#keepPace(result.progress);
        this.#refuseFailures(result, own.length);
      }
    } catch (error) {
      throw signal.aborted ? new RecipeStoppedError() : error;
    }
    return results;
  }

  #show(event: GenerationEvent, before: number, total: number): void {
    const { kind, progress } = event;
    const done = before + progress.done + progress.open;
    const ofPrompt = progress.tasks - progress.done - progress.open;
    const left =
      progress.secondsLeft === undefined || ofPrompt === 0
        ? undefined
        : (progress.secondsLeft * (total - done)) / ofPrompt;
    this.#task.progress(done, total, describe(event), left);
    if (kind === 'finished-task' && progress.replies >= pacedReplies && this.#pacedAt === 0) {
      // It is for later plans alone: this one need not wait for it, and says nothing where it fails.
      void this.#keepPace(progress).catch(() => undefined);
    }
  }

  async #keepPace({ replies, seconds }: GenerationResult['progress']): Promise<void> {
    if (replies <= this.#pacedAt || this.#parts.recorded !== null) return;
    this.#pacedAt = replies;
    await this.#workshop.keepPace(this.#pace, seconds / replies);
  }

  /** What had no answer may have one later, so the stage is not finished. */
  #refuseFailures({ open }: GenerationResult, tasks: number): void {
    const failed = open.filter(({ why }) => why === 'failed');
    const [first] = failed;
    if (first === undefined) return;
    throw new Error(
      `${this.#parts.role} did not answer ${failed.length} of ${tasks} requests: ${first.reason}. What it wrote is ` +
        'kept: run the same again to ask for the rest.',
    );
  }
}

function describe(event: GenerationEvent): string {
  if (event.kind === 'loading') return `model: ${event.loading.phase}`;
  const { items, rejected, itemsPerHour, reused } = event.progress;
  const parts = [
    `${items} texts`,
    ...(itemsPerHour === undefined ? [] : [`${Math.round(itemsPerHour)}/h`]),
    ...(reused > 0 ? [`${reused} requests answered earlier`] : []),
    ...(rejected > 0 ? [`${rejected} replies did not fit`] : []),
    ...(event.kind === 'waiting' ? [`${event.reason}, again in ${event.seconds.toFixed(0)} s`] : []),
  ];
  return parts.join(', ');
}

function nothingFits(
  { source, role }: GeneratedStageParts,
  results: readonly GenerationResult[],
): InputError {
  const reason = results.flatMap(({ open }) => open)[0]?.reason;
  return new InputError(
    `nothing that ${role} wrote for ${source} makes a list${reason === undefined ? '' : ` (${reason})`}`,
    { remedy: 'Look at its replies in the log, and give a larger model or another prompt' },
  );
}
