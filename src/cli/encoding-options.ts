import type { Command } from 'commander';
import type { EncodingOverrides } from '../encoders/sentence-transformers.ts';
import { settingRanges } from '../host/setting-ranges.ts';
import { choiceOption, integerOption } from './options.ts';

/** What a user says differently from the model's folder, as the action receives it. */
export interface EncodingOptions {
  readonly pooling?: 'mean' | 'cls';
  readonly normalize?: 'yes' | 'no';
  readonly queryPrefix?: string;
  readonly passagePrefix?: string;
  readonly maxQueryLength?: number;
  readonly maxPassageLength?: number;
}

export function addEncodingOptions(command: Command): Command {
  return command
    .option(
      '--pooling <how>',
      'mean or cls (default: what the model says)',
      choiceOption('--pooling', ['mean', 'cls']),
    )
    .option(
      '--normalize <yes|no>',
      'vectors of length 1 (default: what the model says)',
      choiceOption('--normalize', ['yes', 'no']),
    )
    .option('--query-prefix <text>', 'put before each query (default: what the model says)')
    .option('--passage-prefix <text>', 'put before each passage (default: what the model says)')
    .option(
      '--max-query-length <n>',
      'tokens of a query (default: what the model says)',
      integerOption('--max-query-length', settingRanges.maxLength),
    )
    .option(
      '--max-passage-length <n>',
      'tokens of a passage (default: what the model says)',
      integerOption('--max-passage-length', settingRanges.maxLength),
    );
}

export function encodingOverrides(options: EncodingOptions): EncodingOverrides {
  return {
    pooling: options.pooling,
    normalize: options.normalize === undefined ? undefined : options.normalize === 'yes',
    queryPrefix: options.queryPrefix,
    passagePrefix: options.passagePrefix,
    queryMaxLength: options.maxQueryLength,
    passageMaxLength: options.maxPassageLength,
  };
}
