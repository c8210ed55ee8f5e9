/** How commands write training lists. */
import type { Command } from 'commander';
import { writeLists, type ListFormat } from '../corpus/lists.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { CliIo } from './io.ts';
import { choiceOption } from './options.ts';
import { writeOutputFile } from './output-file.ts';

export interface ListOutputOptions {
  readonly out: string;
  readonly format: ListFormat;
}

const formats = ['studio', 'sentence-transformers', 'tevatron', 'flagembedding'] as const;

export function addListOutputOptions(command: Command): Command {
  return command
    .requiredOption('--out <lists>', 'Output file (JSONL, one training list per line)')
    .option(
      '--format <name>',
      `Format of the output: ${formats.join(', ')}`,
      choiceOption('--format', formats),
      'studio',
    );
}

export async function writeListFile(
  lists: readonly ListRecord[],
  { out, format }: ListOutputOptions,
  io: CliIo,
): Promise<void> {
  let unwritable = 0;
  await writeOutputFile(out, writeLists(lists, format, { onSkipped: () => unwritable++ }));
  if (unwritable === 0) return;
  io.warn(`${unwritable} lists were left out: they lack a kind of passage that ${format} requires`);
}
