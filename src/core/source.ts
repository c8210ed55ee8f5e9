/**
 * Where bytes come from, on any host: a file on disk, an entry of a zip, a file dropped on the page.
 */

import { InputError } from './errors.ts';
import { printable } from './shown.ts';

/** One readable file. */
export interface ByteSource {
  /** The user's name for it; every error about its content starts with it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /**
   * The bytes from `start` (0 by default) up to `end` (exclusive; the size by default). May be called more than
   * once. A chunk that was handed out is never written to again.
   */
  stream(start?: number, end?: number): AsyncIterable<Uint8Array>;
}

/** A folder, or what looks like one: a zip, a set of dropped files. */
export interface FileTree {
  readonly name: string;
  /** Relative paths of the files, with forward slashes, sorted. */
  readonly paths: readonly string[];
  /** @throws InputError if the tree has no such path. */
  open(path: string): Promise<ByteSource>;
  /** A file that is opened when it is first read, where its size is known without that. */
  readonly lazily?: (path: string) => ByteSource | undefined;
}

/** Reads all that a reader yields, for its errors. @returns how much it was */
export async function readThrough(items: AsyncIterable<unknown>): Promise<number> {
  const iterator = items[Symbol.asyncIterator]();
  let count = 0;
  while ((await iterator.next()).done !== true) count++;
  return count;
}

/** A source over bytes in memory. */
export function bytesSource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    stream: (start = 0, end = bytes.length) => chunksOf(bytes.subarray(start, end)),
  };
}

/** A source over text in memory. */
export function textSource(name: string, text: string): ByteSource {
  return bytesSource(name, new TextEncoder().encode(text));
}

const CHUNK_BYTES = 65_536;

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(start, start + CHUNK_BYTES));
  }
}

/** All bytes of a range, in one array. The caller bounds the range. */
export async function readRange(
  source: ByteSource,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let length = 0;
  for await (const chunk of source.stream(start, end)) {
    bytes.set(chunk, length);
    length += chunk.length;
  }
  if (length !== bytes.length) {
    throw new InputError(`ends after ${start + length} bytes of ${source.size}`, {
      file: source.name,
      remedy: 'Re-run with the complete file; it changed or was truncated while it was being read',
    });
  }
  return bytes;
}

/** The tree below the one folder that holds everything, or the tree itself where there is no such folder. */
export function withoutTopFolder(tree: FileTree): FileTree {
  const first = tree.paths[0] ?? '';
  const top = first.slice(0, first.indexOf('/') + 1);
  if (top === '' || !tree.paths.every((path) => path.startsWith(top))) return tree;
  return withoutTopFolder({
    name: tree.name,
    paths: tree.paths.map((path) => path.slice(top.length)),
    open: (path) => tree.open(top + path),
    ...(tree.lazily && { lazily: (path: string) => tree.lazily?.(top + path) }),
  });
}

/** The error of a tree that lacks a path. */
export function missingPath(tree: FileTree, path: string): InputError {
  const shown = tree.paths
    .slice(0, 5)
    .map((known) => printable(known))
    .join(', ');
  const more = tree.paths.length > 5 ? `, … (${tree.paths.length} files)` : '';
  return new InputError(`has no ${printable(path)}`, {
    file: tree.name,
    remedy:
      tree.paths.length === 0
        ? 'Use a folder with this file; this one is empty'
        : `Use a folder with this file; this one contains ${shown}${more}`,
  });
}
