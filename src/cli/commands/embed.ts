import { basename, isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import { readDocuments, passageText } from '../../corpus/documents.ts';
import type { Side } from '../../encoders/embedder.ts';
import { ReadReport } from '../../corpus/report.ts';
import { InputError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { addEncodingOptions } from '../encoding-options.ts';
import { openFile } from '../input-files.ts';
import type { CliIo } from '../io.ts';
import { toNpy } from '../../formats/npy.ts';
import { addComputeOptions, choiceOption, integerOption, type ComputeOptions } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';

interface EmbedOptions extends ComputeOptions {
  readonly model: string;
  readonly in?: string;
  readonly lists?: readonly string[];
  readonly queries?: readonly string[];
  readonly corpus?: string;
  readonly dimensions?: number;
  readonly int8?: boolean;
  readonly out: string;
  readonly as: Side;
  readonly titles: boolean;
}

export function registerEmbed(program: Command, io: CliIo): void {
  const command = program
    .command('embed')
    .description(
      'Embed the texts of a file and write their vectors as a NumPy array, one row per text, in the same order. Or embed ' +
        'the queries and passages of training lists and write a file of teacher vectors (train --teacher-vectors).',
    )
    .requiredOption('--model <model>', 'Encoder: nano, pico, a folder or ORG/NAME')
    .option(
      '--in <file>',
      'Input texts: JSONL, CSV, TSV, or plain text with one text per line (empty lines are skipped)',
    )
    .option(
      '--lists <file>',
      'Training lists whose queries and passages are embedded; may be repeated',
      collect,
    )
    .option('--queries <file>', 'Queries to embed, such as queries.jsonl; may be repeated', collect)
    .option('--corpus <dir>', 'Corpus in BEIR layout whose passages are embedded')
    .option(
      '--dimensions <n>',
      'For teacher vectors: reduce them to so many principal components',
      integerOption('--dimensions', settingRanges.count),
    )
    .option('--int8', 'For teacher vectors: write them as 8-bit integers, a quarter of the bytes')
    .requiredOption(
      '--out <file>',
      'Output file: .npy for --in, .safetensors for --lists, --queries and --corpus',
    )
    .option(
      '--as <side>',
      'Embed as query or passage: selects prefix and maximum length',
      choiceOption('--as', ['query', 'passage']),
      'passage',
    )
    .option('--no-titles', 'Leave titles out');
  addEncodingOptions(command);
  addComputeOptions(command).action((options: EmbedOptions) => embed(options, io));
}

function collect(value: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), value];
}

async function embed(options: EmbedOptions, io: CliIo): Promise<void> {
  const { in: file, lists, queries, corpus, dimensions, int8 } = options;
  const ofLists = (lists ?? queries ?? corpus) !== undefined;
  if ((file !== undefined) === ofLists) {
    throw new InputError('no texts, or texts of both kinds, were chosen', {
      remedy: 'Use either --in, or --lists, --queries and --corpus',
    });
  }
  if (!ofLists && (dimensions !== undefined || int8 === true)) {
    throw new InputError('--dimensions and --int8 do not apply to --in', {
      remedy: 'Remove them, or use --lists, --queries or --corpus',
    });
  }
  await checkOutputFile(options.out);
  await (file === undefined ? embedLists(options, io) : embedFile(file, options, io));
}

async function embedLists(options: EmbedOptions, io: CliIo): Promise<void> {
  const { model, out, dimensions: wanted, int8 = false } = options;
  const { readVectorTexts, vectorsFile } = await import('../lists-vectors.ts');
  const texts = await readVectorTexts(options, io);
  const { openDenseEncoder } = await import('../dense-encoder.ts');
  const encoder = await openDenseEncoder(model, options, io);
  const total = texts.queries.length + texts.passages.length;
  const progress = io.progress('embedding', total, 'texts');
  try {
    const { dimensions: dimension } = encoder;
    if (wanted !== undefined && wanted > dimension) {
      throw new InputError(`--dimensions is ${wanted}, but the model has ${dimension}`, {
        file: model,
        remedy: `Use ${dimension} or fewer`,
      });
    }
    const dimensions = wanted ?? dimension;
    const before = { query: 0, passage: texts.queries.length };
    const embedSide = (side: Side) => encoder.embedWith((done) => progress.update(before[side] + done));
    const bytes = await vectorsFile(texts, embedSide, {
      model: modelName(model),
      ...{ dimension, dimensions, int8 },
    });
    await writeOutputFile(out, bytes);
    const counts = { queries: texts.queries.length, passages: texts.passages.length };
    io.printJson({ vectors: out, ...counts, dimensions, bytes: bytes.length });
    io.print(
      `${out}: ${counts.queries} queries and ${counts.passages} passages × ${dimensions}, ${formatBytes(bytes.length)}`,
    );
  } finally {
    progress.stop();
    await encoder.close();
  }
}

async function embedFile(file: string, options: EmbedOptions, io: CliIo): Promise<void> {
  const texts: string[] = [];
  const report = new ReadReport();
  for await (const document of readDocuments(await openFile(file), { unit: 'line', report })) {
    texts.push(passageText(document, { titles: options.titles }));
  }
  for (const warning of report.warnings()) io.warn(warning);
  if (texts.length === 0) {
    throw new InputError('contains no texts', {
      file,
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

/** What a file that others may get calls the model: of a folder its name, not where it lies. */
function modelName(model: string): string {
  return isAbsolute(model) || model.startsWith('.') ? basename(resolve(model)) : model;
}
