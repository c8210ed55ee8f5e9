import type { Plan, PlannedStage } from '../pipeline/plan.ts';
import { timeRangeText, type TimeRange } from '../pipeline/time-left.ts';
import { UnderWay } from '../pipeline/under-way.ts';
import type { StageEvent } from '../pipeline/workshop.ts';
import type { CliIo, Progress } from './io.ts';
import { formatDuration } from './progress.ts';
import { textTable } from './text-table.ts';

/** The plan as lines: what is to be done, how long it takes, what memory and disk space. */
export function planLines({ stages, seconds, trainingsAtOnce, memory, disk }: Plan): readonly string[] {
  const pending = stages.filter(({ stored }) => !stored);
  const stored = stages.length - pending.length;
  if (pending.length === 0) return [`all ${stages.length} stages are cached; nothing needs to be computed`];
  const isUnknown = pending.some(({ timeIsUnknown }) => timeIsUnknown === true);
  return [
    ...textTable(
      ['stage', 'about'],
      pending.map((stage) => [stage.label, timeOf(stage)]),
    ),
    `${pending.length} stages to compute${stored > 0 ? `, ${stored} cached` : ''}: about ` +
      `${formatDuration(seconds)}${isUnknown ? ' plus generation' : ''} (estimated from a few texts) and ${megabytes(memory.bytes)} of memory ` +
      `(${megabytes(memory.availableBytes)} available)`,
    ...(trainingsAtOnce > 1 ? [`up to ${trainingsAtOnce} trainings run at once`] : []),
    `disk space: about ${megabytes(disk.keptBytes)} for the results, up to ${megabytes(disk.peakBytes)} while running`,
  ];
}

function timeOf({ seconds, requests, timeIsUnknown }: PlannedStage): string {
  if (requests === undefined) return formatDuration(seconds);
  const time = timeIsUnknown === true ? 'unknown until the first replies' : formatDuration(seconds);
  return `${time} (${requests} requests to a language model, minus those already answered)`;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** With what is left of the whole job, where that is known. */
type ShownEvent = StageEvent & { readonly secondsLeft?: TimeRange };

/** Draws what happens in a job: one bar for the stage at work, one line for each that is finished. */
export class RecipeView {
  readonly #io: CliIo;
  #progress: Progress | undefined;
  /** What the bar shows. */
  #label = '';
  readonly #underWay = new UnderWay();
  /** The best on dev so far, by the training's key. */
  readonly #dev = new Map<string, string>();

  constructor(io: CliIo) {
    this.#io = io;
  }

  show(event: ShownEvent): void {
    const { stage } = event;
    const left = event.secondsLeft === undefined ? '' : `total: ${timeRangeText(event.secondsLeft)} left`;
    switch (event.kind) {
      case 'stage':
        this.stop();
        this.#underWay.leave(stage);
        if (event.state === 'finished') {
          const took = `${stage.label}: ${event.seconds.toFixed(1)} s${this.#dev.get(stage.key) ?? ''}`;
          // Where the whole is not known, it is one stage or two, which the bar shows.
          if (left !== '') this.#io.note(`${took}; ${left}`);
          this.#dev.delete(stage.key);
        }
        break;
      case 'progress':
        this.#bar(stage.label, event.total, stage.unit ?? 'texts').update(
          event.done,
          [event.detail, left].filter((part) => part !== '').join(', '),
        );
        break;
      case 'training':
        this.#training(event, left);
        break;
      case 'view':
        // A terminal watches nothing.
        break;
      case 'found':
        this.#io.note(`${stage.label}: ${event.count} ${event.what} cached`);
        break;
      case 'warning':
        this.#io.warn(`${stage.label}: ${event.warning}`);
        break;
      case 'generation':
        // The bar says how far it is.
        break;
    }
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }

  #training({ stage, event }: Extract<StageEvent, { kind: 'training' }>, left: string): void {
    switch (event.kind) {
      case 'resumed':
        for (const problem of event.problems) this.#io.warn(problem);
        this.#io.note(`${stage.label}: resuming after step ${event.step}: ${event.report.message}`);
        break;
      case 'evaluation':
        if (event.isBest) {
          const values = Object.entries(event.values).map(([name, value]) => `${name} ${value.toFixed(4)}`);
          this.#dev.set(stage.key, `, dev ${values.join(', ')} at step ${event.step}`);
        }
        break;
      case 'step': {
        const { label, done, total } = this.#underWay.reach(stage, event.step, event.totalSteps);
        const ofOne = [`loss ${event.loss.toFixed(4)}`, `${event.pairsPerSecond.toFixed(0)} pairs/s`];
        const details = [...(label === stage.label ? ofOne : []), left];
        this.#bar(label, total, 'steps').update(done, details.filter((part) => part !== '').join(', '));
        break;
      }
      case 'smaller micro-batch':
        this.#io.warn(`${stage.label}, step ${event.step}: ${event.message}`);
        break;
      case 'checkpoint':
        break;
    }
  }

  #bar(label: string, total: number, unit: string): Progress {
    if (label !== this.#label) this.stop();
    this.#label = label;
    this.#progress ??= this.#io.progress(label, total, unit);
    return this.#progress;
  }
}
