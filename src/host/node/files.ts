/** Files and folders on disk as byte sources and trees. */

import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError, messageOf } from '../../core/errors.ts';
import type { ByteSource, FileTree } from '../../core/source.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { bytesSource, missingPath } from '../../core/source.ts';
import { isZip, openZip } from '../../formats/zip.ts';
import { errorCode } from './file-operations.ts';
import { own } from '../../core/own.ts';

const CHUNK_BYTES = 65_536;
/** A corpus folder has a handful of files; a home directory, opened by mistake, has millions. */
const MAX_FILES = 100_000;
const MAX_DEPTH = 16;

/** Input from a pipe is kept in memory, up to this size. */
const MAX_PIPE_BYTES = 2 ** 30;

/**
 * A file, or what comes through a pipe (`<(zcat …)`, /dev/stdin), to its end.
 * @throws InputError if there is no such file or it cannot be read.
 */
export async function openFile(
  path: string,
  { maxPipeBytes = MAX_PIPE_BYTES }: { readonly maxPipeBytes?: number } = {},
): Promise<ByteSource> {
  const status = await explained(path, () => stat(path));
  if (status.isDirectory()) throw new InputError('is not a file', { file: path, remedy: 'Use a file' });
  if (!status.isFile()) return bytesSource(path, await explained(path, () => readPipe(path, maxPipeBytes)));
  return {
    name: path,
    size: status.size,
    stream: (start = 0, end = status.size) => readChunks(path, start, end),
  };
}

async function readPipe(path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of pipeStream(path)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBytes) {
      throw new InputError(`more than ${formatBytes(maxBytes)} came through this pipe`, {
        file: path,
        remedy: 'Pass a file instead',
      });
    }
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** A socket, and a pipe of another user, cannot be opened by the name of what this process has open already. */
function pipeStream(path: string): AsyncIterable<Uint8Array> {
  const [, number] =
    /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path === '/dev/stdin' ? '/dev/fd/0' : path) ?? [];
  if (number === undefined) return createReadStream(path);
  return number === '0' ? process.stdin : createReadStream(path, { fd: Number(number), autoClose: false });
}

/** A folder with all files below it; names that begin with a dot are left out. */
export async function openFolder(path: string): Promise<FileTree> {
  const paths: string[] = [];
  await listFiles(path, '', 0, paths);
  const known = new Set(paths);
  const tree: FileTree = {
    name: path,
    paths: paths.sort(),
    open: (relative) =>
      known.has(relative) ? openFile(join(path, relative)) : Promise.reject(missingPath(tree, relative)),
  };
  return tree;
}

/** A folder, or a zip as a folder. */
export async function openTree(path: string): Promise<FileTree> {
  const status = await explained(path, () => stat(path));
  if (status.isDirectory()) return openFolder(path);
  const source = await openFile(path);
  if (await isZip(source)) return openZip(source);
  throw new InputError(`${basename(path)} is neither a folder nor a zip`, {
    file: path,
    remedy: 'Use a BEIR folder (corpus.jsonl, queries.jsonl, qrels/) or a zip of one',
  });
}

async function listFiles(root: string, below: string, depth: number, paths: string[]): Promise<void> {
  const entries = await explained(join(root, below), () =>
    readdir(join(root, below), { withFileTypes: true }),
  );
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const relative = below === '' ? entry.name : `${below}/${entry.name}`;
    const isFolder = entry.isSymbolicLink()
      ? (await explained(relative, () => stat(join(root, relative)))).isDirectory()
      : entry.isDirectory();
    if (!isFolder) paths.push(relative);
    else if (depth < MAX_DEPTH) await listFiles(root, relative, depth + 1, paths);
    if (paths.length > MAX_FILES) {
      throw new InputError(`contains more than ${MAX_FILES} files`, {
        file: root,
        remedy: 'Use the folder of the corpus itself',
      });
    }
  }
}

async function* readChunks(path: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  const file = await explained(path, () => open(path));
  try {
    for (let position = start; position < end;) {
      const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - position));
      const { bytesRead } = await explained(path, () => file.read(chunk, 0, chunk.length, position));
      if (bytesRead === 0) return;
      position += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

const REMEDIES: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  ENOENT: ['does not exist', 'Fix the path'],
  ENOTDIR: ['does not exist', 'Fix the path'],
  EACCES: ['cannot be read: permission denied', 'Fix the permissions'],
  EPERM: ['cannot be read: permission denied', 'Fix the permissions'],
  EISDIR: ['is a folder', 'Use a file'],
};

async function explained<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const code = errorCode(cause) ?? messageOf(cause);
    const [problem, remedy] = own(REMEDIES, code) ?? [
      `cannot be read (${code})`,
      'Fix the path, or use a copy on another disk',
    ];
    throw new InputError(problem, { file: path, remedy, cause });
  }
}
