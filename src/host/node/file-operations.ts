import {
  link,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Bytes to write, whole or in pieces. */
export type FileContent =
  Uint8Array | string | Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;

/**
 * The few file-system operations that durable writing is made of. They throw Node's errors (`code` ENOENT,
 * EEXIST, ENOSPC …). A test replaces them to fail or to stop the world at any operation.
 */
export interface FileOperations {
  /** Makes the folder and those above it, durably; nothing happens if it is there. */
  makeFolder(path: string): Promise<void>;
  /** The names in a folder; none if the folder is missing. */
  list(path: string): Promise<string[]>;
  /** A file's bytes in a buffer of their own, aligned for typed-array views. */
  read(path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The status of the path, undefined if nothing is there. */
  stat(path: string): Promise<FileStatus | undefined>;
  /** The absolute path that a path leads to through links, whether or not anything is there yet. @throws ELOOP */
  resolveLinks(path: string): Promise<string>;
  /** Makes a new file and flushes it to the disk. @throws EEXIST. An error may leave a part of the file. */
  create(path: string, content: FileContent): Promise<void>;
  /** Gives a file a second name. @throws EEXIST: of several callers exactly one succeeds. */
  link(existing: string, path: string): Promise<void>;
  /** Replaces a file in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; nothing happens if it is missing. */
  remove(path: string): Promise<void>;
  /** Removes a folder with all that is in it; nothing happens if it is missing. */
  removeFolder(path: string): Promise<void>;
  /** Flushes a folder's names to the disk: makes creations, links, renames and removals in it durable. */
  syncFolder(path: string): Promise<void>;
  /** Bytes that the disk of an existing path can still take. */
  freeBytes(path: string): Promise<number>;
}

export interface FileStatus {
  readonly isFolder: boolean;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** The `code` of a file-system error (ENOENT, EEXIST …), undefined for any other. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Runs an operation; undefined where it fails with this code. */
export async function unlessCode<T>(code: string, operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (errorCode(error) === code) return undefined;
    throw error;
  }
}

/** Links unless the path is taken. @returns whether it did. */
export async function linkIfFree(files: FileOperations, existing: string, path: string): Promise<boolean> {
  return (
    (await unlessCode(
      'EEXIST',
      files.link(existing, path).then(() => true),
    )) ?? false
  );
}

/** Links if nothing is there yet, and returns the outcome instead of throwing EEXIST or ENOENT. */
export async function tryLink(
  files: FileOperations,
  existing: string,
  path: string,
): Promise<'linked' | 'taken' | 'missing'> {
  try {
    await files.link(existing, path);
    return 'linked';
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return 'taken';
    if (errorCode(error) === 'ENOENT') return 'missing';
    throw error;
  }
}

/** The pieces of a content as bytes. */
export async function* contentPieces(content: FileContent): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  if (typeof content === 'string') yield encoder.encode(content);
  else if (content instanceof Uint8Array) yield content;
  else {
    for await (const piece of content) yield typeof piece === 'string' ? encoder.encode(piece) : piece;
  }
}

/** Windows has no way to flush a folder, and needs none: NTFS journals names. */
const canSyncFolders = process.platform !== 'win32';

/** The operations on the real file system. */
export const nodeFiles: FileOperations = {
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = resolve(path); made.length >= first.length; made = dirname(made)) {
      await nodeFiles.syncFolder(dirname(made));
    }
  },

  async list(path) {
    return (await unlessCode('ENOENT', readdir(path))) ?? [];
  },

  async read(path) {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const bytes = new Uint8Array(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
        if (bytesRead === 0) return bytes.slice(0, filled);
        filled += bytesRead;
      }
      return bytes;
    } finally {
      await file.close();
    }
  },

  async stat(path) {
    const status = await unlessCode('ENOENT', stat(path));
    return status && { isFolder: status.isDirectory(), bytes: status.size, modified: status.mtimeMs };
  },

  async resolveLinks(path) {
    let target = resolve(path);
    for (;;) {
      const found = await unlessCode('ENOENT', realpath(target));
      if (found !== undefined) return found;
      if (dirname(target) === target) return target;
      const folder = await nodeFiles.resolveLinks(dirname(target));
      const place = join(folder, basename(target));
      // EINVAL: something that is not a link has just appeared there.
      const next = await unlessCode('EINVAL', unlessCode('ENOENT', readlink(place)));
      if (next === undefined) return place;
      target = resolve(folder, next);
    }
  },

  async create(path, content) {
    const file = await open(path, 'wx');
    try {
      for await (const piece of contentPieces(content)) {
        let written = 0;
        while (written < piece.length) {
          written += (await file.write(piece, written, piece.length - written)).bytesWritten;
        }
      }
      await file.sync();
    } finally {
      await file.close();
    }
  },

  link,
  rename,

  async remove(path) {
    await unlessCode('ENOENT', unlink(path));
  },

  async removeFolder(path) {
    await rm(path, { recursive: true, force: true });
  },

  async syncFolder(path) {
    if (!canSyncFolders) return;
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },

  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};
