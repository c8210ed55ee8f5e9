import type { Command } from 'commander';
import { readDocuments, passageText } from '../../corpus/documents.ts';
import type { Side } from '../../encoders/embedder.ts';
import { ReadReport } from '../../corpus/report.ts';
import { InputError } from '../../core/errors.ts';
import { addEncodingOptions } from '../encoding-options.ts';
import { openFile } from '../input-files.ts';
import type { CliIo } from '../io.ts';
import { toNpy } from '../../formats/npy.ts';
import { addComputeOptions, choiceOption, type ComputeOptions } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';

interface EmbedOptions extends ComputeOptions {
  readonly model: string;
  readonly in: string;
  readonly out: string;
  readonly as: Side;
  readonly titles: boolean;
}

export function registerEmbed(program: Command, io: CliIo): void {
  const command = program
    .command('embed')
    .description(
      'Embed the texts of a file and write their vectors as a NumPy array, one row per text, in the same order.',
    )
    .requiredOption('--model <model>', 'Encoder: nano, a folder or ORG/NAME')
    .requiredOption(
      '--in <file>',
      'Input texts: JSONL, CSV, TSV, or plain text with one text per line (empty lines are skipped)',
    )
    .requiredOption('--out <file.npy>', 'Output file')
    .option(
      '--as <side>',
      'Embed as query or passage: selects prefix and maximum length',
      choiceOption('--as', ['query', 'passage']),
      'passage',
    )
    .option('--no-titles', 'Leave titles out');
  addEncodingOptions(command);
  addComputeOptions(command).action((options: EmbedOptions) => embedFile(options, io));
}

async function embedFile(options: EmbedOptions, io: CliIo): Promise<void> {
  await checkOutputFile(options.out);
  const texts: string[] = [];
  const report = new ReadReport();
  for await (const document of readDocuments(await openFile(options.in), { unit: 'line', report })) {
    texts.push(passageText(document, { titles: options.titles }));
  }
  for (const warning of report.warnings()) io.warn(warning);
  if (texts.length === 0) {
    throw new InputError('contains no texts', {
      file: options.in,
      remedy: 'Use a file with at least one text',
    });
  }
  const { openDenseEncoder } = await import('../dense-encoder.ts');
  const encoder = await openDenseEncoder(options.model, options, io);
  const startedAt = performance.now();
  const progress = io.progress('embedding', texts.length, 'texts');
  try {
    const vectors = await encoder.embedWith((done) => progress.update(done))(texts, options.as);
    await writeOutputFile(options.out, toNpy(vectors, texts.length, encoder.dimensions));
  } finally {
    progress.stop();
    await encoder.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  io.printJson({ vectors: options.out, texts: texts.length, dimensions: encoder.dimensions, seconds });
  io.print(`${options.out}: ${texts.length} × ${encoder.dimensions} in ${seconds.toFixed(1)} s`);
}
