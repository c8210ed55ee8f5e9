import type { Command } from 'commander';
import type { BeirDataset } from '../corpus/beir.ts';
import { readBeir } from '../corpus/beir.ts';
import type { ByteSource, FileTree } from '../corpus/source.ts';
import { openTree } from './input-files.ts';
import type { CliIo } from './io.ts';

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

export interface OpenCorpus {
  readonly dataset: BeirDataset;
  /** Shows, from now on, how much of the corpus has been read. */
  readonly showProgress: (label: string) => { stop(): void };
}

/** @throws InputError naming the file and the remedy. */
export async function openCorpus({ corpus, split }: CorpusOptions, io: CliIo): Promise<OpenCorpus> {
  let onBytes: (done: number, total: number) => void = () => undefined;
  const tree = countBytes(await openTree(corpus), 'corpus.jsonl', (done, total) => onBytes(done, total));
  const dataset = await readBeir(tree, { split });
  return {
    dataset,
    showProgress: (label) => {
      const progress = io.progress(label, 0, 'MB');
      let megabytes = 0;
      onBytes = (done, total) => {
        progress.setTotal(toMegabytes(total));
        // The bar is drawn for what can be seen, not for every chunk.
        if (toMegabytes(done) > megabytes) progress.update((megabytes = toMegabytes(done)));
      };
      return {
        stop: () => {
          onBytes = () => undefined;
          progress.stop();
        },
      };
    },
  };
}

/** Says what the reader noticed. */
export function warnAboutCorpus({ report }: BeirDataset, io: CliIo): void {
  for (const warning of report.warnings()) io.warn(warning);
}

function toMegabytes(bytes: number): number {
  return Math.floor(bytes / 100_000) / 10;
}

/** The same tree, but reports how far its files of this name are read. */
function countBytes(tree: FileTree, name: string, onBytes: (done: number, total: number) => void): FileTree {
  const isCounted = (path: string): boolean => path === name || path.endsWith(`/${name}`);
  return {
    ...tree,
    open: async (path) => {
      const source = await tree.open(path);
      return isCounted(path) ? countSource(source, onBytes) : source;
    },
  };
}

function countSource(source: ByteSource, onBytes: (done: number, total: number) => void): ByteSource {
  return {
    ...source,
    async *stream(start = 0, end = source.size) {
      let done = 0;
      for await (const chunk of source.stream(start, end)) {
        yield chunk;
        done += chunk.length;
        onBytes(done, end - start);
      }
    },
  };
}
