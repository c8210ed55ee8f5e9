/** From dropped files to a kept corpus. Loaded when files are first looked at; libraries for a format, with the format. */
import { InputError } from '../../core/errors.ts';
import { own } from '../../core/own.ts';
import { withoutTopFolder, type FileTree } from '../../core/source.ts';
import { beirSplits } from '../../corpus/beir.ts';
import { readEncoder } from '../../encoders/read-encoder.ts';
import type { EncodingOverrides } from '../../encoders/types.ts';
import { isZip, openZip } from '../../formats/zip.ts';
import { builtInModels } from '../../host/built-in-models.ts';
import type { ModelFiles } from '../../host/contract.ts';
import { detect, type DetectedFile, type Detection } from '../../import/detect.ts';
import {
  importCorpus,
  type ImportOptions,
  type ImportProgress,
  type ImportReport,
} from '../../import/import-corpus.ts';
import { keywordBaseline, type KeywordBaseline } from '../../import/keyword-baseline.ts';
import type { ImportItem } from '../../import/list-files.ts';
import type { TokenCounter } from '../../import/text-lengths.ts';
import { openFile, openTree, type DroppedItem } from '../dropped-files.ts';
import type {
  BaselineOutcome,
  ImportCalls,
  ImportChoices,
  ImportOutcome,
  ImportPreview,
  LookedAt,
  ReadingChoices,
} from '../import-protocol.ts';
import type { CorpusCounts } from '../protocol.ts';
import { partsOfText, type KeptItems } from './kept-items.ts';

const SHOWN = 20;

/** @throws InputError if a file cannot be read */
export async function previewImport(
  { items, choices }: ImportCalls['previewImport']['ask'],
  signal: AbortSignal,
): Promise<LookedAt> {
  const opened = await Promise.all(items.map(openItem));
  const ready: number[] = [];
  for (const [i, item] of opened.entries()) if (await isReady(item, signal)) ready.push(i);
  const others = opened.filter((_, i) => !ready.includes(i));
  if (others.length === 0) return { ready, preview: undefined };
  return { ready, preview: shown(nameOf(others), await detectAll(others, choices, signal)) };
}

export interface ImportMeans {
  readonly items: KeptItems;
  readonly tell: (progress: ImportProgress) => void;
  readonly signal: AbortSignal;
}

/** @throws InputError naming file and line; ResourceError if the browser keeps no more */
export async function importItems(
  { items: dropped, choices }: ImportCalls['importCorpus']['ask'],
  means: ImportMeans & { readonly models: ModelFiles },
): Promise<ImportOutcome> {
  const { signal } = means;
  try {
    const opened = await Promise.all(dropped.map(openItem));
    const detection = await detectAll(opened, choices, signal);
    const { split, keepDuplicates } = choices;
    const tokens = await tokenCounter(choices, means.items, means.models);
    return await keepImported(nameOf(opened), detection, { split, keepDuplicates, tokens }, means);
  } catch (error) {
    if (signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

/** Makes a corpus of files and keeps it, or nothing. @throws as {@link importItems}; the signal's reason */
export async function keepImported(
  name: string,
  detection: Detection,
  options: ImportOptions,
  { items, tell, signal }: ImportMeans,
): Promise<Extract<ImportOutcome, { readonly state: 'finished' }>> {
  const corpus = importCorpus(detection, { ...options, signal, onProgress: tell });
  const files = async function* () {
    for await (const { path, content } of corpus.files()) yield { path, parts: partsOfText(content) };
  };
  const item = await items.write(
    () => {
      const counts = countsOf(corpus.report());
      const splits = Object.keys(counts.splits).sort();
      return { kind: 'corpus', name, splits, listFiles: [], counts };
    },
    files(),
    signal,
  );
  return { state: 'finished', item, report: corpus.report() };
}

/** @throws InputError if the corpus is not kept, or has no such split */
export async function measureKeywords(
  { itemId, split }: ImportCalls['keywordBaseline']['ask'],
  items: KeptItems,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (share: number) => void },
): Promise<BaselineOutcome> {
  const name = `bm25 ${split}`;
  try {
    const known = (await items.remembered(itemId, name)) as KeywordBaseline | undefined;
    if (known !== undefined) return { state: 'finished', baseline: known };
    const tree = await items.openTree(itemId);
    const baseline = await keywordBaseline(tree, split, { signal, onProgress: tell });
    await items.remember(itemId, name, baseline);
    return { state: 'finished', baseline };
  } catch (error) {
    if (signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

async function openItem(item: DroppedItem): Promise<ImportItem> {
  return item instanceof File ? openFile(item) : openTree(item);
}

function detectAll(
  items: readonly ImportItem[],
  { columns, header, unit }: ReadingChoices,
  signal: AbortSignal,
): Promise<Detection> {
  return detect(items, { columns, header, unit, signal });
}

/** Whether it is kept as it is, without a question. */
async function isReady(item: ImportItem, signal: AbortSignal): Promise<boolean> {
  if ('paths' in item) return isReadyTree(item);
  if (await isZip(item)) return isReadyTree(await openZip(item));
  if (!/\.(jsonl|ndjson)$/i.test(item.name)) return false;
  try {
    return (await detect([item], { signal })).kind === 'training lists';
  } catch (error) {
    // It is looked at again with the others, and then refused.
    if (error instanceof InputError) return false;
    throw error;
  }
}

function isReadyTree(tree: FileTree): boolean {
  const inner = withoutTopFolder(tree);
  const has = (pattern: RegExp): boolean => inner.paths.some((path) => pattern.test(path));
  // Loose judgments beside a corpus are read by an import alone.
  if (inner.paths.includes('corpus.jsonl')) {
    return beirSplits(inner).length > 0 || !has(/\.(tsv|csv|txt|parquet)$/i);
  }
  return (
    inner.paths.includes('config.json') &&
    has(/\.(safetensors|bin|onnx)$|^(tokenizer\.json|vocab\.txt|modules\.json)$/)
  );
}

function shown(name: string, { kind, files, leftOut }: Detection): ImportPreview {
  if (kind === 'training lists') {
    throw new InputError('contains training lists or a generation log, not texts', {
      file: files[0]?.source.name,
      remedy: 'Use them as one file that ends with .jsonl, one list per line',
    });
  }
  return {
    ...{ name, kind, bytes: files.reduce((sum, { source }) => sum + source.size, 0) },
    ...{ files: files.slice(0, SHOWN).map(shownFile), fileCount: files.length },
    formats: [...new Set(files.map(({ format }) => format))],
    ...{ leftOut: leftOut.slice(0, SHOWN), leftOutCount: leftOut.length },
  };
}

function shownFile({ path, source, format, role, columns, layout, unit, sample }: DetectedFile) {
  const isDelimited = format === 'csv' || format === 'tsv';
  return {
    ...{ path, bytes: source.size, format, role, columns, unit, sample },
    tableColumns: layout?.columns,
    header: isDelimited ? layout?.header : undefined,
  };
}

function countsOf({ passages, queries, judgments, judgedQueries }: ImportReport): CorpusCounts {
  const splits = Object.entries(judgments).map(([split, count]): [string, CorpusCounts['splits'][string]] => [
    split,
    { queries: own(judgedQueries, split) ?? 0, judgments: count },
  ]);
  return { passages, queries, splits: Object.fromEntries(splits) };
}

function nameOf(items: readonly ImportItem[]): string {
  const [first = { name: 'files' }] = items;
  const name = first.name.replace(/^.*\//, '').replace(/\.[a-z0-9]{1,8}$/i, '');
  return items.length > 1 ? `${name} and ${items.length - 1} more` : name;
}

/** Undefined for an encoder that would have to be downloaded from elsewhere, or cannot be read. */
async function tokenCounter(
  {
    encoder,
    encoding,
  }: Pick<ImportChoices, 'encoder'> & { readonly encoding?: EncodingOverrides | undefined },
  items: KeptItems,
  models: ModelFiles,
): Promise<TokenCounter | undefined> {
  if (encoder === undefined) return undefined;
  const isHere =
    builtInModels.some(({ name }) => name === encoder) ||
    (await items.list()).some(({ id, kind }) => kind === 'model' && id === encoder);
  if (!isHere) return undefined;
  try {
    const { tokenizer, encoding: read } = await readEncoder(await models.open(encoder), encoding);
    const { passagePrefix, passageMaxLength: limit } = read;
    return { limit, count: (text) => tokenizer.encode(passagePrefix + text, 1 << 20).length };
  } catch (error) {
    // Its training says what is wrong with it; the texts can be imported all the same.
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
