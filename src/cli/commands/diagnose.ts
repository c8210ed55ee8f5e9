import type { Command } from 'commander';
import Papa from 'papaparse';
import { readLists } from '../../corpus/lists.ts';
import { ReadReport } from '../../corpus/report.ts';
import type { ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../host/errors.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { RandomStream } from '../../host/random.ts';
import { parseLossSpec } from '../../losses/loss-spec.ts';
import { diagnoseSources } from '../../mining/diagnostics/diagnose.ts';
import { diagnosisColumns, diagnosisRow, scoreRows } from '../../mining/diagnostics/diagnosis-table.ts';
import { openFile } from '../input-files.ts';
import type { CliIo } from '../io.ts';
import { addComputeOptions, integerOption, type ComputeOptions } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { textTable } from '../text-table.ts';

interface DiagnoseCommandOptions extends ComputeOptions {
  readonly model?: string;
  readonly loss: string;
  readonly sample: number;
  readonly out?: string;
}

export function registerDiagnose(program: Command, io: CliIo): void {
  const command = program
    .command('diagnose')
    .description(
      'Shows what the passages of each source of training lists look like: how near to query and positive, how ' +
        'varied, how likely relevant after all; and with an encoder, how much they would teach and how easily they ' +
        'are told from those of other sources.',
    )
    .argument('<lists>', 'the training lists, as JSONL')
    .option('--model <model>', 'an encoder for cosines, gradient and probe: nano, a folder or ORG/NAME')
    .option('--loss <spec>', 'whose gradient is shared out', 'infonce')
    .option(
      '--sample <n>',
      'lists at most, drawn at random',
      integerOption('--sample', settingRanges.count),
      500,
    )
    .option('--out <csv>', 'write the table as CSV');
  addComputeOptions(command).action((lists: string, options: DiagnoseCommandOptions) =>
    diagnose(lists, options, io),
  );
}

async function diagnose(file: string, options: DiagnoseCommandOptions, io: CliIo): Promise<void> {
  const loss = parseLossSpec(options.loss);
  if (options.out !== undefined) await checkOutputFile(options.out);
  const lists = await readSample(file, options, io);
  const encoder =
    options.model === undefined
      ? undefined
      : // ONNX Runtime and the tokenizers: only for those who embed.
        await (await import('../dense-encoder.ts')).openDenseEncoder(options.model, options, io);
  try {
    const sources = await diagnoseSources(lists, {
      loss,
      seed: options.seed,
      ...(encoder !== undefined && { embed: encoder.embedWith(() => undefined) }),
    });
    if (sources.length === 0) {
      throw new InputError('has no list with a positive and another passage', {
        file,
        remedy: 'Give lists whose positives have a label above 0',
      });
    }
    const header = diagnosisColumns.map(([name]) => name);
    if (options.out !== undefined) {
      const cells = sources.map((source) => diagnosisColumns.map(([, valueOf]) => valueOf(source) ?? ''));
      await writeOutputFile(options.out, [Papa.unparse([header, ...cells], { escapeFormulae: true }), '\n']);
    }
    io.printJson({ lists: lists.length, sources });
    for (const line of textTable(header, sources.map(diagnosisRow))) io.print(line);
    const scores = scoreRows(sources);
    if (scores === undefined) return;
    io.print('');
    io.print('Teacher scores');
    for (const line of textTable(scores[0] ?? [], scores.slice(1))) io.print(line);
  } finally {
    await encoder?.close();
  }
}

async function readSample(
  file: string,
  { sample, seed }: DiagnoseCommandOptions,
  io: CliIo,
): Promise<readonly ListRecord[]> {
  const report = new ReadReport();
  const lists: ListRecord[] = [];
  for await (const list of readLists(await openFile(file), { report })) lists.push(list);
  for (const warning of report.warnings()) io.warn(warning);
  if (lists.length <= sample) return lists;
  io.note(`${sample} of ${lists.length} lists are looked at (--sample)`);
  return new RandomStream(seed, 'diagnosed lists').shuffle(lists).slice(0, sample);
}
