import type { Command } from 'commander';
import { InputError } from '../host/errors.ts';

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
      'where models run: auto, cpu, webgpu or cuda',
      choiceOption('--device', devices),
      'auto',
    )
    .option(
      '--threads <n>',
      'threads on the CPU (default: one per core)',
      integerOption('--threads', { min: 1, max: 1024 }),
    )
    .option(
      '--seed <n>',
      'seed of everything random',
      integerOption('--seed', { min: 0, max: 2 ** 31 - 1 }),
      0,
    );
}

interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Parses a whole number in decimal notation. @throws InputError naming the option. */
export function integerOption(name: string, range: Range = {}): (text: string) => number {
  return (text) => {
    if (!/^[+-]?\d+$/.test(text.trim())) throw invalid(name, text, `a whole number${describe(range)}`);
    return inRange(name, text, Number(text), range, 'a whole number');
  };
}

/** Parses a finite number, `1e-5` included. @throws InputError naming the option. */
export function numberOption(name: string, range: Range = {}): (text: string) => number {
  return (text) => {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) {
      throw invalid(name, text, `a number${describe(range)}`);
    }
    return inRange(name, text, Number(text), range, 'a number');
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

function inRange(name: string, text: string, value: number, range: Range, kind: string): number {
  const { min = -Number.MAX_VALUE, max = Number.MAX_VALUE } = range;
  if (!(value >= min && value <= max)) throw invalid(name, text, `${kind}${describe(range)}`);
  return value;
}

function describe(range: Range): string {
  if (range.min !== undefined && range.max !== undefined) return ` from ${range.min} to ${range.max}`;
  if (range.min !== undefined) return `, ${range.min} or more`;
  if (range.max !== undefined) return `, ${range.max} or less`;
  return '';
}

function invalid(name: string, text: string, wanted: string): InputError {
  return new InputError(`${name} is "${text}"`, { remedy: `Give ${wanted}` });
}
