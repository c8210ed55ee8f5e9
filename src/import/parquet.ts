import { gunzipSync } from 'fflate';
import { decompress as unpackZstd } from 'fzstd';
import {
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  snappyUncompress,
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type SchemaTree,
} from 'hyparquet';
import { InputError, messageOf } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { printable } from '../core/shown.ts';
import { readRange, type ByteSource } from '../core/source.ts';
import type { TableRow } from './types.ts';

/** Unpacked bytes of the columns that are read of one row group: all are in memory at once. */
const MAX_GROUP_BYTES = 2 ** 30;
const MAX_GROUP_ROWS = 2 ** 22;
const MAX_FOOTER_BYTES = 2 ** 26;
const MAX_PAGE_BYTES = 2 ** 28;
/** Unpacked over packed bytes of a page above 1 MiB. */
const MAX_RATIO = 200;

/** Names of the columns of a Parquet file. @throws InputError if it is damaged */
export async function parquetColumns(source: ByteSource): Promise<readonly string[]> {
  const metadata = await readMetadata(source);
  return guarded(source.name, () => Promise.resolve(columnsOf(metadata)));
}

/**
 * The rows of a Parquet file, one row group in memory at a time.
 * @param columns those that are read
 * @param most rows
 * @throws InputError if it is damaged, or a row group is too large
 */
export async function* readParquetRows(
  source: ByteSource,
  columns: readonly string[],
  most = Infinity,
): AsyncGenerator<TableRow> {
  const metadata = await readMetadata(source);
  let start = 0;
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    checkGroup(source, group, columns);
    const count = Math.min(rows, most - start);
    if (count <= 0) return;
    for (const [i, row] of (await readGroup(source, metadata, columns, start, start + count)).entries()) {
      yield { cells: new Map(columns.map((column, at) => [column, row[at]])), line: start + i + 1 };
    }
    start += rows;
  }
}

async function readGroup(
  source: ByteSource,
  metadata: FileMetaData,
  columns: readonly string[],
  rowStart: number,
  rowEnd: number,
): Promise<readonly (readonly unknown[])[]> {
  return guarded(source.name, async () => {
    // One column after another: of several that fail at once, the library leaves all errors but one unhandled.
    const values: unknown[][] = [];
    for (const column of columns) {
      let found: unknown[][] = [];
      await parquetRead({
        ...{ file: bufferOf(source), metadata, rowStart, rowEnd, compressors, geoparquet: false },
        columns: [column],
        onComplete: (rows) => (found = rows as unknown[][]),
      });
      values.push(found.map(([value]) => value));
    }
    return Array.from({ length: rowEnd - rowStart }, (_, row) => values.map((column) => column[row]));
  });
}

async function readMetadata(source: ByteSource): Promise<FileMetaData> {
  const tail = source.size < 12 ? undefined : await readRange(source, source.size - 8, source.size);
  const footer = tail === undefined ? 0 : new DataView(tail.buffer).getUint32(0, true);
  const magic = tail === undefined ? '' : new TextDecoder('latin1').decode(tail.subarray(4));
  if (magic === 'PARE') {
    throw new InputError('is encrypted', {
      file: source.name,
      remedy: 'Use a Parquet file without encryption',
    });
  }
  if (magic !== 'PAR1' || footer + 12 > source.size || footer > MAX_FOOTER_BYTES) {
    throw damaged(source.name, 'it is cut off');
  }
  return guarded(source.name, () => parquetMetadataAsync(bufferOf(source), { geoparquet: false }));
}

/** Structures of several members are no texts, and left out. */
function columnsOf(metadata: FileMetaData): readonly string[] {
  const names = parquetSchema(metadata).children.flatMap((column) =>
    isSingle(column) ? [column.element.name] : [],
  );
  return [...new Set(names)];
}

function isSingle({ children }: SchemaTree): boolean {
  return children.length <= 1 && children.every(isSingle);
}

function checkGroup(
  source: ByteSource,
  group: FileMetaData['row_groups'][number],
  columns: readonly string[],
): void {
  const rows = Number(group.num_rows);
  let bytes = 0;
  for (const { meta_data: column } of group.columns) {
    if (column === undefined || !columns.includes(column.path_in_schema[0] ?? '')) continue;
    const packed = Number(column.total_compressed_size);
    const start = Number(column.dictionary_page_offset ?? column.data_page_offset);
    if (!(start >= 0 && start + packed <= source.size))
      throw damaged(source.name, 'a column has no place in the file');
    if (!(packed >= 0 && packed <= source.size))
      throw damaged(source.name, 'a column is longer than the file');
    bytes += Number(column.total_uncompressed_size);
  }
  if (!(rows >= 0)) throw damaged(source.name, 'a row group has a negative number of rows');
  if (rows <= MAX_GROUP_ROWS && bytes <= MAX_GROUP_BYTES) return;
  throw new InputError(
    `a row group has ${rows} rows and ${formatBytes(bytes)}, but the limits are ${MAX_GROUP_ROWS} rows and ` +
      formatBytes(MAX_GROUP_BYTES),
    { file: source.name, remedy: 'Use a file with smaller row groups (row_group_size=10000)' },
  );
}

function bufferOf(source: ByteSource): AsyncBuffer {
  return {
    byteLength: source.size,
    slice: async (start, end = source.size) => {
      // The library does not wait for all that it asks for: what is missing is noticed where it is parsed.
      if (!(start >= 0 && start <= end && end <= source.size)) return new ArrayBuffer(0);
      return (await readRange(source, start, end)).buffer;
    },
  };
}

/** @param unpack into an array of this many bytes */
function bounded(
  unpack: (packed: Uint8Array, unpacked: Uint8Array) => Uint8Array,
): (packed: Uint8Array, bytes: number) => Uint8Array {
  return (packed, bytes) => {
    const most = Math.min(MAX_PAGE_BYTES, Math.max(2 ** 20, packed.length * MAX_RATIO));
    if (!(bytes >= 0 && bytes <= most)) {
      throw new RangeError(`a page unpacks from ${packed.length} to ${bytes} bytes`);
    }
    return unpack(packed, new Uint8Array(bytes));
  };
}

const compressors: Compressors = {
  SNAPPY: bounded((packed, unpacked) => {
    snappyUncompress(packed, unpacked);
    return unpacked;
  }),
  GZIP: bounded((packed, out) => gunzipSync(packed, { out })),
  ZSTD: bounded((packed, unpacked) => unpackZstd(packed, unpacked)),
};

async function guarded<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof InputError || (error instanceof DOMException && error.name === 'AbortError'))
      throw error;
    throw damaged(file, messageOf(error), error);
  }
}

function damaged(file: string, detail: string, cause?: unknown): InputError {
  return new InputError(`cannot be read as Parquet (${printable(detail, 160)})`, {
    file,
    remedy: 'Use a complete file, uncompressed or packed with snappy, gzip or zstd',
    cause,
  });
}
