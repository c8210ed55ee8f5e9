import type { Command } from 'commander';

/** The options that name a test collection, as the action receives them. */
export interface CorpusOptions {
  readonly corpus: string;
  readonly split: string;
  readonly titles: boolean;
}

export function addCorpusOptions(command: Command, defaultSplit: string): Command {
  return command
    .requiredOption('--corpus <dir>', 'a folder or zip in BEIR layout: corpus.jsonl, queries.jsonl, qrels/')
    .option('--split <name>', 'the judged queries to take: qrels/NAME.tsv', defaultSplit)
    .option('--no-titles', 'leave titles out of the passages');
}
