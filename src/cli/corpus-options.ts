import type { Command } from 'commander';
import { beirSplits } from '../corpus/beir.ts';
import type { FragmentInput } from '../pipeline/fragment-schema.ts';
import { openTree } from './input-files.ts';

/** The options that name a test collection, as the action receives them. */
export interface CorpusOptions {
  readonly corpus: string;
  readonly split: string;
  readonly titles: boolean;
}

export function addCorpusOptions(command: Command, defaultSplit: string): Command {
  return command
    .requiredOption(
      '--corpus <dir>',
      'Corpus in BEIR layout, a folder or zip: corpus.jsonl, queries.jsonl, qrels/',
    )
    .option('--split <name>', 'Split whose judged queries are used: qrels/NAME.tsv', defaultSplit)
    .option('--no-titles', 'Leave titles out of the passages');
}

/**
 * The dev and test queries of a corpus, as far as it has them, as the splits of a recipe: no training list is made of
 * them.
 * @param used the split that the command is asked to use, which is not guarded
 */
export async function guardedSplits(
  folder: string,
  used?: string,
): Promise<Pick<NonNullable<FragmentInput['corpus']>, 'dev' | 'test'>> {
  const splits = beirSplits(await openTree(folder));
  const guards = (name: string): boolean => name !== used && splits.includes(name);
  return { dev: guards('dev') ? { split: 'dev' } : null, test: guards('test') ? 'test' : null };
}
