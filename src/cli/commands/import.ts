import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { beirSplits } from '../../corpus/beir.ts';
import { InputError } from '../../core/errors.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { settingRanges } from '../../core/setting-ranges.ts';
import { writeFolderAtomic } from '../../host/node/atomic-file.ts';
import type { Detection } from '../../import/detect.ts';
import type { Benchmark } from '../../import/benchmarks.ts';
import type { HubDataset } from '../../import/hub-dataset.ts';
import type { CorpusImport, ImportReport } from '../../import/import-corpus.ts';
import type { KeywordBaseline } from '../../import/keyword-baseline.ts';
import type { ImportItem } from '../../import/list-files.ts';
import type { TextUnit } from '../../import/plain-text.ts';
import { parseTextSplit, type TextSplit } from '../../import/split-texts.ts';
import type { TokenCounter } from '../../import/text-lengths.ts';
import { columnUses, type ColumnChoice } from '../../import/types.ts';
import { formatTrecEvalLine, formatValue } from '../../metrics/format.ts';
import { checkOutputFolder, openBaseEncoder } from '../experiment.ts';
import { openFile, openTree, openWrittenTree } from '../input-files.ts';
import { Interruption } from '../interruption.ts';
import type { CliIo, Progress } from '../io.ts';
import { choiceOption, integerOption, numberOption } from '../options.ts';

interface ImportCommandOptions {
  readonly out?: string;
  readonly columns?: ColumnChoice;
  readonly header: boolean;
  readonly delimiter?: string;
  readonly unit?: TextUnit;
  readonly split?: TextSplit;
  readonly keepDuplicates?: boolean;
  readonly testShare?: number;
  readonly seed: number;
  readonly model?: string;
  readonly preview?: boolean;
  readonly force?: boolean;
  readonly hub?: string;
  readonly list?: boolean;
}

export function registerImport(program: Command, io: CliIo): void {
  program
    .command('import')
    .description(
      'Make a corpus of files that you have: text, Markdown, HTML, PDF, CSV, TSV, JSON, Parquet, and folders and zips of ' +
        'them, with questions or judgments where they have any; or of a data set of the Hugging Face hub. The output folder ' +
        'is what --corpus of the other commands and the corpus of a recipe take.',
    )
    .argument(
      '[paths...]',
      'Files, folders and zips; hub:ORG/NAME (/SUBSET, @REVISION) or a name of --list for a data set of the hub',
    )
    .option('--out <dir>', 'Output folder: corpus.jsonl, queries.jsonl and qrels/')
    .option(
      '--columns <uses>',
      `Columns of tables, such as id=url,title=name,text=body: ${columnUses.join(', ')}; text=a+b joins two columns ` +
        '(default: guessed from their names and contents)',
      parseColumns,
    )
    .option('--no-header', 'The first row of CSV and TSV is data; columns are then named 1, 2 …')
    .option('--delimiter <character>', 'Delimiter of CSV and TSV (default: found out)', parseDelimiter)
    .option(
      '--unit <unit>',
      'One text of a plain text file: line, paragraph or file (default: paragraph if it has empty lines, otherwise line)',
      choiceOption('--unit', ['line', 'paragraph', 'file']),
    )
    .option(
      '--split <split>',
      'Split texts into passages: words:180:30 (words of a passage, overlap), headings:180:30, or none (default: none ' +
        'for rows and plain text, words:180:30 for Markdown, HTML and PDF)',
      parseTextSplit,
    )
    .option('--keep-duplicates', 'Keep passages that are equal or nearly equal to an earlier one')
    .option(
      '--test-share <share>',
      'For questions beside their texts: share that becomes test queries; the others are train queries (default: 0.2)',
      numberOption('--test-share', settingRanges.share),
    )
    .option('--seed <n>', 'Draws the test queries', integerOption('--seed', settingRanges.seed), 0)
    .option(
      '--model <model>',
      'Compare the lengths with the limit of this encoder: nano, pico, a folder or ORG/NAME',
    )
    .option('--hub <url>', 'Address of the hub (default: $HF_ENDPOINT, otherwise https://huggingface.co)')
    .option('--list', 'Show the names of benchmarks on the hub: NanoBEIR and the small sets of BEIR')
    .option('--preview', 'Show what the files are, and the first rows, without importing them')
    .option('--force', 'Replace the output folder with everything in it')
    .action((paths: readonly string[], options: ImportCommandOptions) => importFiles(paths, options, io));
}

async function importFiles(
  paths: readonly string[],
  options: ImportCommandOptions,
  io: CliIo,
): Promise<void> {
  const { out, preview = false, force = false } = options;
  if (options.list === true) {
    await showBenchmarks(io);
    return;
  }
  if (paths.length === 0) {
    throw new InputError('nothing to import was named', {
      remedy: 'Pass files, folders, hub:ORG/NAME, or --list to see the names of benchmarks',
    });
  }
  if (!preview && out === undefined) {
    throw new InputError('no output folder was chosen', {
      remedy: 'Pass --out DIR, or --preview to look at the files',
    });
  }
  const { detect } = await import('../../import/detect.ts');
  const interruption = new Interruption(io, 'stopping; nothing is written');
  const { signal } = interruption;
  try {
    if (out !== undefined) await checkOutputFolder(out, force);
    const items: ImportItem[] = [];
    const datasets: OpenedDataset[] = [];
    for (const path of paths) {
      const dataset = await openDataset(path, paths.length > 1, options, signal, io);
      if (dataset !== undefined) datasets.push(dataset);
      items.push(dataset?.files ?? (await openItem(path)));
    }
    const detection = await detect(items, {
      ...{ columns: options.columns, delimiter: options.delimiter, unit: options.unit, signal },
      ...(!options.header && { header: false }),
    });
    if (preview || out === undefined) {
      showDetection(detection, io);
      return;
    }
    const { importCorpus } = await import('../../import/import-corpus.ts');
    const { split, keepDuplicates, testShare, seed } = options;
    const totalBytes = detection.files.reduce((sum, { source }) => sum + source.size, 0);
    const progress = io.progress('importing', totalBytes, 'bytes');
    const tokens = options.model === undefined ? undefined : await tokenCounter(options.model, io);
    const corpus = importCorpus(detection, {
      ...{ split, keepDuplicates, testShare, seed, tokens, signal },
      origins: datasets.map(({ origin }) => origin),
      onProgress: ({ bytes, passages }) => progress.update(bytes, `${passages} passages`),
    });
    try {
      await writeFolderAtomic(out, corpus.files(), { force });
    } finally {
      progress.stop();
    }
    const { benchmarkWarnings } = await import('../../import/benchmarks.ts');
    for (const { warnings, benchmark } of datasets) {
      for (const line of [...warnings, ...benchmarkWarnings(benchmark, corpus.report().texts)]) io.warn(line);
    }
    await showImport(out, corpus, signal, io);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.exitCode = interruption.exitCode;
  } finally {
    interruption.stopListening();
  }
}

interface OpenedDataset extends HubDataset {
  readonly benchmark: Benchmark | undefined;
}

/** A data set of the hub, downloaded; undefined where the path names none. */
async function openDataset(
  path: string,
  isOneOfSeveral: boolean,
  { hub }: ImportCommandOptions,
  signal: AbortSignal,
  io: CliIo,
): Promise<OpenedDataset | undefined> {
  const { benchmarks, findBenchmark } = await import('../../import/benchmarks.ts');
  const isHub = path.startsWith('hub:');
  if (!isHub && (/[\\/.]/.test(path) || (await stat(path).catch(() => undefined)) !== undefined))
    return undefined;
  const benchmark = isHub ? undefined : findBenchmark(path);
  if (!isHub && benchmark === undefined) {
    const near = nearestName(
      path,
      benchmarks.map(({ name }) => name),
    );
    if (near === undefined) return undefined;
    throw new InputError('does not exist, and is no benchmark', {
      file: path,
      remedy: `Use ${near}, or pass --list to see all`,
    });
  }
  const { openHubDataset, parseHubDataset } = await import('../../import/hub-dataset.ts');
  const { openDatasets } = await import('../../host/node/datasets.ts');
  const name = parseHubDataset(benchmark?.id ?? path.slice('hub:'.length));
  const datasets = openDatasets({ endpoint: hub, signal });
  io.note(`${name.id}: downloading from ${datasets.hub.href}`);
  let progress: Progress | undefined;
  try {
    const dataset = await openHubDataset(datasets, name, {
      isOneOfSeveral,
      signal,
      onProgress: ({ file, bytes, totalBytes }) => {
        progress ??= io.progress('downloading', totalBytes, 'bytes');
        progress.update(bytes, file);
      },
    });
    return { ...dataset, benchmark };
  } finally {
    progress?.stop();
  }
}

async function showBenchmarks(io: CliIo): Promise<void> {
  const { benchmarks } = await import('../../import/benchmarks.ts');
  io.printJson(benchmarks);
  for (const { name, id, documents, queries, megabytes, license } of benchmarks) {
    const counts = `${documents ?? '?'} texts, ${queries ?? '?'} queries, about ${megabytes} MB`;
    io.print(`${name}\t${id}\t${counts}\t${license ?? 'no license known'}`);
  }
}

async function openItem(path: string): Promise<ImportItem> {
  const status = await stat(path).catch(() => undefined);
  return status?.isDirectory() === true ? openTree(path) : openFile(path);
}

async function tokenCounter(model: string, io: CliIo): Promise<TokenCounter> {
  const { tokenizer, encoding } = await openBaseEncoder(model, {}, io);
  const { passagePrefix, passageMaxLength: limit } = encoding;
  // One token more than the limit is enough to see that a passage is cut; the median needs the others.
  return { limit, count: (text) => tokenizer.encode(passagePrefix + text, 1 << 20).length };
}

async function showImport(out: string, corpus: CorpusImport, signal: AbortSignal, io: CliIo): Promise<void> {
  const report = corpus.report();
  const tree = await openWrittenTree(out);
  const splits = beirSplits(tree);
  const split = splits.includes('test') ? 'test' : splits[0];
  const { keywordBaseline } = await import('../../import/keyword-baseline.ts');
  const bm25 = split === undefined ? null : await keywordBaseline(tree, split, { signal });
  for (const warning of report.warnings) io.warn(warning);
  io.printJson({ corpus: out, ...report, bm25 });
  for (const line of reportLines(out, report, bm25)) io.print(line);
}

function* reportLines(out: string, report: ImportReport, bm25: KeywordBaseline | null): Generator<string> {
  const { origins, texts, passages, exactDuplicates, nearDuplicates, queries, judgments, lengths } = report;
  yield `${out}: ${passages} passages of ${texts} texts`;
  for (const { id, revision, license } of origins.flatMap(({ repositories }) => repositories))
    yield `${id}: revision ${revision}, license on the hub: ${license ?? 'none'}`;
  if (exactDuplicates + nearDuplicates > 0) {
    yield `duplicates left out: ${exactDuplicates} equal, ${nearDuplicates} nearly equal (--keep-duplicates keeps them)`;
    for (const { place, of } of report.duplicateExamples) yield `  ${place} repeats ${of}`;
  }
  yield `words of a passage: median ${lengths.words.median}, 95% up to ${lengths.words.p95}, longest ${lengths.words.longest}`;
  if (lengths.tokens !== null) {
    const { limit, sampled, longer, median, p95 } = lengths.tokens;
    yield `tokens of a passage: median ${median}, 95% up to ${p95}; longer than the encoder's ${limit}: ${longer} of ${sampled} sampled`;
  }
  if (queries > 0) {
    const counts = Object.entries(judgments).map(([split, count]) => `${split}: ${count} judgments`);
    yield [`queries: ${queries}`, ...counts].join(', ');
  }
  if (bm25 === null) return;
  yield `BM25 on ${bm25.queries} ${bm25.split} queries:`;
  for (const [name, value] of Object.entries(bm25.metrics))
    yield formatTrecEvalLine(name, 'all', formatValue(value));
}

function showDetection({ kind, files, leftOut }: Detection, io: CliIo): void {
  io.printJson({
    kind,
    files: files.map(({ path, source, format, encoding, role, layout, columns, unit, sample }) => ({
      ...{ path, bytes: source.size, format, encoding, role, columns, sample },
      ...(layout !== undefined && { delimiter: layout.delimiter, header: layout.header }),
      ...(unit !== undefined && { unit }),
    })),
    leftOut,
  });
  io.print(`${kind}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`);
  for (const { path, format, role, columns, layout, unit, sample } of files.slice(0, 20)) {
    const uses = columnUses.flatMap((use) => (columns[use] ? [`${use}=${columns[use].join('+')}`] : []));
    const unread =
      layout?.columns.filter((name) => !columnUses.some((use) => columns[use]?.includes(name))) ?? [];
    const facts = [
      format,
      role,
      ...(unit === undefined ? [] : [`a text is a ${unit}`]),
      ...(uses.length > 0 ? [uses.join(',')] : []),
      ...(unread.length > 0 ? [`not read: ${unread.slice(0, 10).join(', ')}`] : []),
    ];
    io.print(`${path}: ${facts.join('; ')}`);
    for (const row of sample.rows) io.print(`  ${row.map((cell) => shortened(cell)).join(' | ')}`);
  }
  if (files.length > 20) io.print(`… and ${files.length - 20} more`);
  for (const { path, reason } of leftOut.slice(0, 20)) io.print(`not imported: ${path} (${reason})`);
}

function shortened(cell: string): string {
  const line = cell.replace(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** Reads `id=url,text=title+body`. */
function parseColumns(text: string): ColumnChoice {
  const choice: Partial<Record<(typeof columnUses)[number], readonly string[]>> = {};
  for (const part of text.split(',')) {
    const [, name = '', columns = ''] = /^\s*([^=]+?)\s*=(.*)$/s.exec(part) ?? [];
    const use = columnUses.find((known) => known === name);
    const names = columns
      .split('+')
      .map((column) => column.trim())
      .filter((column) => column !== '');
    if (use === undefined || names.length === 0) {
      const near = nearestName(name, columnUses);
      throw new InputError(`--columns has "${part}"`, {
        remedy: `Use USE=COLUMN with one of ${columnUses.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`,
      });
    }
    choice[use] = names;
  }
  return choice;
}

function parseDelimiter(text: string): string {
  const delimiter = text === '\\t' || text === 'tab' ? '\t' : text;
  if (delimiter.length === 1 && !/["\r\n]/.test(delimiter)) return delimiter;
  throw new InputError(`--delimiter is "${text}"`, { remedy: 'Use one character, or tab' });
}
