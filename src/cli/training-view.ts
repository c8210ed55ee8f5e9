/** Shows a training as it runs, and what came of it. */
import { basename } from 'node:path';
import { own } from '../core/own.ts';
import type { TrainingReport } from '../pipeline/stages/training.ts';
import type { StageEvent } from '../pipeline/workshop.ts';
import type { TrainingEvent } from '../training/trainer.ts';
import type { CliIo } from './io.ts';
import { formatDuration, type Progress } from './progress.ts';

/** Draws the events of a training. */
export class TrainingView {
  /** Whether a step was done, by this run or an earlier one. */
  hasTrained = false;
  /** Steps done. */
  steps = 0;
  /** Whether an earlier run came to the end. */
  hasFinished = false;
  readonly #io: CliIo;
  /** Printed with the first event: a training that is refused has one line to say. */
  heading: readonly string[] = [];
  #progress: Progress | undefined;

  constructor(io: CliIo) {
    this.#io = io;
  }

  show(told: StageEvent): void {
    if (told.kind === 'warning') this.#io.warn(told.warning);
    if (told.kind === 'training') this.#show(told.event);
  }

  #show(event: TrainingEvent): void {
    for (const line of this.heading) this.#io.note(line);
    this.heading = [];
    switch (event.kind) {
      case 'resumed':
        this.hasTrained = true;
        this.steps = event.step;
        for (const problem of event.problems) this.#io.warn(problem);
        this.#io.note(
          this.hasFinished
            ? `this training already finished, after step ${event.step}; nothing is left to train`
            : `resuming after step ${event.step}: ${event.report.message}`,
        );
        break;
      case 'evaluation': {
        const values = Object.entries(event.values).map(([name, value]) => `${name} ${value.toFixed(4)}`);
        this.#io.note(`step ${event.step}: dev ${values.join(', ')}${event.isBest ? ' (best)' : ''}`);
        break;
      }
      case 'step':
        this.hasTrained = true;
        this.steps = event.step;
        this.#progress ??= this.#io.progress('training', event.totalSteps, 'steps');
        this.#progress.update(
          event.step,
          `loss ${event.loss.toFixed(4)}, ${event.pairsPerSecond.toFixed(1)} pairs/s, ` +
            `${event.tokensPerSecond.toFixed(0)} tokens/s, ` +
            (event.shareOfMatmulRate === 0
              ? ''
              : `${shareText(event.shareOfMatmulRate)} of peak matrix multiplication rate, `) +
            `${formatDuration(event.secondsLeft)} left`,
        );
        break;
      case 'smaller micro-batch':
        this.#io.warn(`step ${event.step}: ${event.message}`);
        break;
      case 'checkpoint':
        break;
    }
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}

function shareText(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Prints what came of a training. */
export function printTraining(
  result: TrainingReport,
  { out, experiment }: { readonly out: string; readonly experiment: string },
  io: CliIo,
): void {
  const { evaluations, bestStep } = result;
  const before = evaluations[0]?.values;
  const after = evaluations.find(({ step }) => step === bestStep)?.values;
  io.printJson({
    model: out,
    experiment,
    steps: result.steps,
    bestStep,
    endedBy: result.endedBy,
    ...(before === undefined || after === undefined ? {} : { dev: { before, after } }),
    losses: result.losses,
    evaluations,
    bitExact: result.breaks.length === 0,
    breaks: result.breaks,
    trainingSeconds: result.trainingSeconds,
    speed: { ...result.speed },
  });
  io.print(`${basename(out)}: ${result.steps} steps, ended by ${result.endedBy}`);
  const { pairsPerSecond = 0, tokensPerSecond = 0, shareOfMatmulRate = 0 } = result.speed;
  if (pairsPerSecond > 0) {
    const share =
      shareOfMatmulRate === 0
        ? ''
        : `, ${shareText(shareOfMatmulRate)} of this machine's peak matrix multiplication rate`;
    io.print(`${pairsPerSecond.toFixed(1)} pairs/s, ${tokensPerSecond.toFixed(0)} tokens/s${share}`);
  }
  for (const line of result.breaks) io.warn(line);
  if (before !== undefined && after !== undefined) {
    io.print(
      bestStep === 0 ? 'the untrained model scored best on the dev set' : `best checkpoint: step ${bestStep}`,
    );
    for (const [name, value] of Object.entries(after)) {
      io.print(`dev ${name}: ${own(before, name)?.toFixed(4) ?? '?'} before, ${value.toFixed(4)} after`);
    }
  }
}
