import type { Command } from 'commander';

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
