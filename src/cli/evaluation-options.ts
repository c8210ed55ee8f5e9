import type { Command } from 'commander';
import type { EvaluationOptions } from '../metrics/evaluate.ts';
import { settingRanges } from '../core/setting-ranges.ts';
import { integerOption, numberOption } from './options.ts';

/** The options by which a command looks at runs, as the action receives them. */
export interface RunOptions {
  readonly level: number;
  readonly maxRank?: number;
  readonly dropIdentical?: boolean;
}

export function addRunOptions(command: Command): Command {
  return command
    .option(
      '--level <grade>',
      'Lowest grade that counts as relevant',
      integerOption('--level', settingRanges.level),
      1,
    )
    .option(
      '--max-rank <n>',
      'Evaluate only the top n documents of each query',
      integerOption('--max-rank', settingRanges.rank),
    )
    .option('--drop-identical', 'Ignore documents with the same id as the query (ArguAna, Quora)');
}

/** How differences are tested. */
export function addSignificanceOptions(command: Command): Command {
  return command
    .option(
      '--alpha <p>',
      'Significance level',
      numberOption('--alpha', settingRanges.significanceLevel),
      0.05,
    )
    .option(
      '--samples <n>',
      'Number of permutations and bootstrap samples',
      integerOption('--samples', settingRanges.samples),
      10_000,
    );
}

export function evaluationOptions({ level, maxRank, dropIdentical }: RunOptions): EvaluationOptions {
  return { relevanceLevel: level, maxRank, dropIdentical };
}
