/** The files of what a person drops or names: files, folders and zips, several at once. */
import { InputError } from '../core/errors.ts';
import { readRange, withoutTopFolder, type ByteSource, type FileTree } from '../core/source.ts';
import { isZip, openZip } from '../formats/zip.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { extensionOf, formatOfName } from './sniff.ts';
import type { ImportFile, LeftOutFile } from './types.ts';

export type ImportItem = ByteSource | FileTree;

const MAX_FILES = 10_000;
/** Of a file in a zip that has to be read in any order. */
const MAX_UNPACKED_BYTES = 2 ** 28;

export interface FileList {
  readonly files: readonly ImportFile[];
  readonly leftOut: readonly LeftOutFile[];
}

/**
 * Every file that can be read; files of a folder or zip whose names stand for nothing else are left out.
 * @throws InputError if there is none, or an item cannot be opened
 */
export async function listImportFiles(items: readonly ImportItem[], signal?: AbortSignal): Promise<FileList> {
  const files: ImportFile[] = [];
  const leftOut: LeftOutFile[] = [];
  const taken = new Set<string>();
  const add = (path: string, source: ByteSource): void => {
    let unique = path;
    for (let count = 2; taken.has(unique); count++) unique = `${path} (${count})`;
    taken.add(unique);
    files.push({ path: unique, source });
    if (files.length > MAX_FILES) {
      throw new InputError(`more than ${MAX_FILES} files`, {
        remedy: 'Use fewer files: join texts, one a line',
      });
    }
  };
  const addTree = async (tree: FileTree, isInZip: boolean): Promise<void> => {
    const inner = withoutTopFolder(tree);
    for (const path of inner.paths) {
      signal?.throwIfAborted();
      const extension = extensionOf(path);
      if (extension === 'zip' && !isInZip) await addTree(await openArchive(await inner.open(path)), true);
      else if (formatOfName(path) === undefined) {
        const reason =
          extension === 'zip' ? 'a zip inside a zip' : extension === '' ? 'no type' : `.${extension}`;
        leftOut.push({ path, reason });
      } else {
        // Of thousands, most are not read before they are imported.
        const source = inner.lazily?.(path) ?? (await inner.open(path));
        const isWhole = /\.(pdf|parquet)$/i.test(path);
        add(path, isInZip && isWhole ? unpacked(source) : source);
      }
    }
  };
  for (const item of items) {
    signal?.throwIfAborted();
    if ('paths' in item) await addTree(item, false);
    else if (await isZip(item)) await addTree(await openArchive(item), true);
    else add(item.name.slice(Math.max(item.name.lastIndexOf('/'), item.name.lastIndexOf('\\')) + 1), item);
  }
  if (files.length > 0) return { files, leftOut };
  const place = items.length === 1 ? items[0]?.name : undefined;
  throw new InputError('contains no file that can be imported', {
    file: place,
    remedy: 'Use text, Markdown, HTML, PDF, CSV, TSV, JSON or Parquet files, or a folder or zip of them',
  });
}

/** A zip as a folder. Documents of office programs are zips too. */
async function openArchive(source: ByteSource): Promise<FileTree> {
  const tree = await openZip(source);
  if (tree.paths.includes('[Content_Types].xml') || tree.paths.includes('mimetype')) {
    throw new InputError('is a document of an office program', {
      file: source.name,
      remedy: 'Save it as text, PDF or CSV',
    });
  }
  return tree;
}

/** An entry of a zip that is unpacked once, when it is first read. */
function unpacked(source: ByteSource): ByteSource {
  let bytes: Promise<Uint8Array> | undefined;
  async function* stream(start = 0, end = source.size): AsyncGenerator<Uint8Array> {
    if (source.size > MAX_UNPACKED_BYTES) {
      throw new InputError(
        `has ${formatBytes(source.size)}, but the limit inside a zip is ${formatBytes(MAX_UNPACKED_BYTES)}`,
        { file: source.name, remedy: 'Use the unpacked folder' },
      );
    }
    bytes ??= readRange(source, 0, source.size);
    yield (await bytes).subarray(start, end);
  }
  return { name: source.name, size: source.size, stream };
}
