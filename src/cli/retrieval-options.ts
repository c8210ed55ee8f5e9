import type { Command } from 'commander';
import { bm25SettingTable } from '../retrieval/bm25-setting-table.ts';
import { addSettingOptions } from './setting-options.ts';

/** The options that choose how documents are found, as the action receives them. */
export interface RetrievalOptions {
  readonly bm25?: boolean;
  readonly model?: string;
  readonly dropIdentical?: boolean;
}

export function addRetrievalOptions(command: Command): Command {
  command
    .option('--bm25', 'Search with BM25')
    .option('--model <model>', 'Search with this encoder: nano, pico, a folder or ORG/NAME')
    .option('--drop-identical', 'Ignore documents with the same id as the query (ArguAna, Quora)');
  return addSettingOptions(command, bm25SettingTable);
}
