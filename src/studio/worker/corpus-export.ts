/** A kept corpus as a zip in BEIR's layout. Loaded when one is asked for. */
import { Zip, ZipDeflate } from 'fflate';
import { InputError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { withoutTopFolder, type ByteSource, type FileTree } from '../../core/source.ts';
import { yielding } from '../../core/waiting.ts';
import { readDocuments } from '../../corpus/documents.ts';
import { readJudgments } from '../../corpus/judgments.ts';
import { JsonRecord } from '../../corpus/json-record.ts';
import { readLines } from '../../corpus/lines.ts';
import { readQueries } from '../../corpus/queries.ts';
import type { CorpusCalls, CorpusProgress } from '../corpus-protocol.ts';
import type { KeptItems } from './kept-items.ts';

/** A zip without zip64 extensions has less than 4 GiB; packed texts are smaller than texts. */
const MAX_BYTES = 2 ** 32 - 2 ** 20;
/** What is packed goes to the browser in parts of this size, which it may keep on disk. */
const PART_BYTES = 4 * 2 ** 20;
const PUSH_BYTES = 64 * 2 ** 10;
const TELL_MILLISECONDS = 100;

interface ZippedFile {
  readonly path: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** @throws InputError if it is not kept, or too large for a zip */
export async function exportCorpus(
  { itemId }: CorpusCalls['exportCorpus']['ask'],
  items: KeptItems,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (progress: CorpusProgress) => void },
): Promise<CorpusCalls['exportCorpus']['answer']> {
  try {
    const tree = withoutTopFolder(await items.openTree(itemId));
    const sources = new Map<string, ByteSource>();
    for (const path of tree.paths) sources.set(path, await tree.open(path));
    const totalBytes = [...sources.values()].reduce((sum, { size }) => sum + size, 0);
    if (totalBytes > MAX_BYTES) {
      throw new InputError(`has ${formatBytes(totalBytes)}, but a zip takes ${formatBytes(MAX_BYTES)}`, {
        file: tree.name,
        remedy: 'Use the command line for a corpus of this size: import --out DIR',
      });
    }
    let bytes = 0;
    let told = 0;
    const watch = (source: ByteSource): ByteSource => ({
      ...source,
      async *stream(start, end) {
        for await (const chunk of source.stream(start, end)) {
          yield chunk;
          bytes += chunk.length;
          const now = performance.now();
          if (now - told < TELL_MILLISECONDS) continue;
          told = now;
          tell({ doing: 'packing', bytes: Math.min(bytes, totalBytes), totalBytes });
        }
      },
    });
    const zip = await zipFiles(beirFiles(tree, sources, watch), yielding(signal));
    return { state: 'finished', answer: { name: `${fileName(tree.name)}.zip`, zip } };
  } catch (error) {
    if (signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

/** Files as they are kept, if they are as BEIR has them; others are written as BEIR has them. */
async function* beirFiles(
  tree: FileTree,
  sources: ReadonlyMap<string, ByteSource>,
  watch: (source: ByteSource) => ByteSource,
): AsyncGenerator<ZippedFile> {
  for (const [path, kept] of sources) {
    const source = watch(kept);
    const split = /^(?:qrels\/([^/]+)|qrels)\.jsonl$/.exec(path);
    if (split !== null) {
      const name = `qrels/${split[1] ?? 'test'}.tsv`;
      if (!tree.paths.includes(name)) yield { path: name, chunks: encoded(judgmentLines(source)) };
    } else if (path === 'corpus.jsonl' && !(await isBeir(kept))) {
      yield { path, chunks: encoded(documentLines(source)) };
    } else if (path === 'queries.jsonl' && !(await isBeir(kept))) {
      yield { path, chunks: encoded(queryLines(source)) };
    } else yield { path, chunks: source.stream() };
  }
}

/** Whether the first line has the keys that BEIR's readers look for. */
async function isBeir(source: ByteSource): Promise<boolean> {
  for await (const line of readLines(source)) {
    if (line.text.trim() === '') continue;
    if (!line.text.trimStart().startsWith('{')) return false;
    const { keys } = JsonRecord.parse(line, source.name);
    return keys.includes('_id') && keys.includes('text');
  }
  return true;
}

async function* documentLines(source: ByteSource): AsyncGenerator<string> {
  for await (const { id, title, text } of readDocuments(source, { format: 'jsonl' })) {
    yield `${JSON.stringify({ _id: id, title, text })}\n`;
  }
}

async function* queryLines(source: ByteSource): AsyncGenerator<string> {
  for (const { id, text } of await readQueries(source)) yield `${JSON.stringify({ _id: id, text })}\n`;
}

async function* judgmentLines(source: ByteSource): AsyncGenerator<string> {
  yield 'query-id\tcorpus-id\tscore\n';
  for (const [query, grades] of await readJudgments(source)) {
    yield [...grades].map(([id, grade]) => `${query}\t${id}\t${grade}\n`).join('');
  }
}

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const text of texts) yield encoder.encode(text);
}

async function zipFiles(
  files: AsyncIterable<ZippedFile>,
  turn: () => Promise<void> | undefined,
): Promise<Blob> {
  const parts: Blob[] = [];
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const flush = (): void => {
    parts.push(new Blob(waiting));
    waiting = [];
    length = 0;
  };
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    waiting.push(new Uint8Array(chunk));
    length += chunk.length;
    if (length >= PART_BYTES) flush();
  });
  for await (const { path, chunks } of files) {
    const file = new ZipDeflate(path, { level: 6 });
    zip.add(file);
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += PUSH_BYTES) {
        await turn();
        file.push(chunk.subarray(at, at + PUSH_BYTES));
      }
    }
    file.push(new Uint8Array(0), true);
  }
  zip.end();
  flush();
  return new Blob(parts, { type: 'application/zip' });
}

/** A name that every disk takes. */
function fileName(name: string): string {
  const plain = name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-').replace(/^[.\s-]+|[.\s-]+$/g, '');
  return plain === '' ? 'corpus' : plain.slice(0, 100);
}
