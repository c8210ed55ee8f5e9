import type { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import { readNumber } from '../core/setting.ts';
import { describeRange, settingRanges, type NumberRange } from '../core/setting-ranges.ts';

/** Where and how a command computes. Every command that runs a model takes these. */
export interface ComputeOptions {
  readonly device: 'auto' | 'cpu' | 'webgpu' | 'cuda';
  /** Undefined: as many as the machine has cores. */
  readonly threads: number | undefined;
  readonly seed: number;
}

const devices = ['auto', 'cpu', 'webgpu', 'cuda'] as const;

/** Adds `--device`, `--threads` and `--seed`; the action receives them as {@link ComputeOptions}. */
export function addComputeOptions(command: Command): Command {
  return command
    .option(
      '--device <device>',
      'Device to run models on: auto, cpu, webgpu or cuda',
      choiceOption('--device', devices),
      'auto',
    )
    .option(
      '--threads <n>',
      'Number of CPU threads (default: one per core)',
      integerOption('--threads', settingRanges.threads),
    )
    .option('--seed <n>', 'Random seed', integerOption('--seed', settingRanges.seed), 0);
}

/** Parses a whole number in decimal notation. @throws InputError naming the option and its range. */
export function integerOption(name: string, range: NumberRange): (text: string) => number {
  return numberOption(name, { ...range, whole: true });
}

/** Parses a finite number, `1e-5` included where it need not be whole. @throws InputError naming the option and its range. */
export function numberOption(name: string, range: NumberRange): (text: string) => number {
  return (text) => {
    const value = readNumber(text, range);
    if (value === undefined) throw invalid(name, text, describeRange(range));
    return value;
  };
}

/** Accepts one of the choices. @throws InputError naming the option and the choices. */
export function choiceOption<T extends string>(name: string, choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) throw invalid(name, text, `one of ${choices.join(', ')}`);
    return choice;
  };
}

function invalid(name: string, text: string, wanted: string): InputError {
  return new InputError(`${name} is "${text}"`, { remedy: `Use ${wanted}` });
}
