import type { Command } from 'commander';
import Papa from 'papaparse';
import { InputError } from '../../core/errors.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { formatLossSpec } from '../../losses/loss-spec.ts';
import { diagnosisColumns } from '../../lists/diagnostics/diagnosis-table.ts';
import { lossOfDiagnosis } from '../../pipeline/loss.ts';
import { diagnosticsDefaults } from '../../pipeline/schema/diagnostics.ts';
import { addEncodingOptions, encodingOverrides } from '../encoding-options.ts';
import { addStoreOptions, withFragment, type StoreOptions } from '../fragment-command.ts';
import type { CliIo } from '../io.ts';
import { addComputeOptions, integerOption, type ComputeOptions } from '../options.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { printTables } from '../text-table.ts';

interface DiagnoseOptions extends StoreOptions, ComputeOptions {
  readonly model?: string;
  readonly loss: string;
  readonly sample: number;
  readonly out?: string;
}

export function registerDiagnose(program: Command, io: CliIo): void {
  const command = program
    .command('diagnose')
    .description(
      'Describe the passages of each source of training lists: similarity to query and positive, diversity, and ' +
        'estimated false-negative rate. With an encoder, also the share of the gradient, and how easily a probe tells ' +
        'the sources apart.',
    )
    .argument('<lists>', 'Training lists (JSONL)')
    .option('--model <model>', 'Encoder for cosines, gradient and probe: nano, pico, a folder or ORG/NAME')
    .option('--loss <loss>', 'Loss whose gradient is measured', diagnosticsDefaults.loss)
    .option(
      '--sample <n>',
      'Maximum number of lists, sampled at random',
      integerOption('--sample', settingRanges.count),
      diagnosticsDefaults.sample,
    )
    .option('--out <csv>', 'Also write the table to a CSV file');
  addEncodingOptions(command);
  addStoreOptions(command);
  addComputeOptions(command).action((lists: string, options: DiagnoseOptions) =>
    diagnose(lists, options, io),
  );
}

async function diagnose(file: string, options: DiagnoseOptions, io: CliIo): Promise<void> {
  const { model, out, sample, seed } = options;
  const loss = formatLossSpec(lossOfDiagnosis(options.loss));
  if (out !== undefined) await checkOutputFile(out);
  const fragment = {
    sources: { lists: { kind: 'lists', file } as const },
    ...(model !== undefined && { encoder: { model, ...encodingOverrides(options) } }),
  };
  await withFragment(fragment, options, { file, runsModel: model !== undefined }, io, async (job) => {
    const { lists: all } = (await job.resultOf((await job.lists('lists')).source)).value;
    if (all > sample) io.note(`${sample} of ${all} lists were sampled (--sample)`);
    const stage = await job.diagnosis('lists', { loss, sample, seed });
    const { value: sources } = await job.resultOf(stage);
    if (sources.length === 0) {
      throw new InputError('no list has a positive and another passage', {
        remedy: 'Use lists whose positives have a label above 0',
      });
    }
    if (out !== undefined) {
      const header = diagnosisColumns.map(([name]) => name);
      const cells = sources.map((source) => diagnosisColumns.map(([, valueOf]) => valueOf(source) ?? ''));
      await writeOutputFile(out, [Papa.unparse([header, ...cells], { escapeFormulae: true }), '\n']);
    }
    io.printJson({ lists: Math.min(all, sample), sources });
    printTables(stage.tables?.(sources) ?? [], io);
  });
}
