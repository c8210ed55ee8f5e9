import { dirname } from 'node:path';
import { ResourceError } from '../../core/errors.ts';
import { errorCode, type FileOperations } from './file-operations.ts';
import { own } from '../../core/own.ts';

/** The write that failed. */
export interface DiskTask {
  /** The path as the user knows it. */
  readonly path: string;
  /** Bytes that had to be written; undefined where it is a stream of unknown length. */
  readonly bytes: number | undefined;
}

/**
 * Runs a task that writes; a full disk or a missing right becomes a ResourceError that says what to do. The task
 * itself ensures that nothing is left half written.
 */
export async function explainDiskErrors<T>(
  files: FileOperations,
  { path, bytes }: DiskTask,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (error) {
    const explanation = explanationOf(error);
    if (!explanation) throw error;
    const free = await freeBytesNear(files, path);
    throw new ResourceError(explanation.problem(bytes, free), {
      remedy: explanation.remedy,
      file: path,
      cause: error,
    });
  }
}

interface Explanation {
  readonly problem: (needed: number | undefined, free: number | undefined) => string;
  readonly remedy: string;
}

const FULL: Explanation = {
  problem: (needed, free) =>
    `the disk is full${needed === undefined ? '' : `: ${megabytes(needed)} needed`}` +
    (free === undefined ? '' : `${needed === undefined ? ':' : ','} ${megabytes(free)} free`),
  remedy: 'Free disk space or choose a folder on another disk, then re-run; nothing was changed',
};

const QUOTA: Explanation = {
  problem: (needed) =>
    `your disk quota is used up${needed === undefined ? '' : `: ${megabytes(needed)} needed`}`,
  remedy: 'Free disk space or choose a folder on another disk, then re-run; nothing was changed',
};

const NO_RIGHT: Explanation = {
  problem: () => 'no permission to write here',
  remedy: 'Choose a folder that you may write to, or fix the permissions of this one',
};

const NO_LINKS: Explanation = {
  problem: () => 'the file system of this folder has no hard links, which safe commits require',
  remedy: 'Choose a folder on a local disk (ext4, xfs, btrfs, APFS, NTFS)',
};

const EXPLANATIONS: Readonly<Record<string, Explanation | undefined>> = {
  ENOSPC: FULL,
  EDQUOT: QUOTA,
  EACCES: NO_RIGHT,
  EPERM: NO_RIGHT,
  EROFS: { ...NO_RIGHT, problem: () => 'the disk is mounted read-only' },
  ENOTSUP: NO_LINKS,
  EOPNOTSUPP: NO_LINKS,
};

function explanationOf(error: unknown): Explanation | undefined {
  const code = errorCode(error);
  if (code === undefined) return undefined;
  // Linux answers EPERM, not ENOTSUP, where a file system (FAT, some network ones) has no links.
  const isLink = error instanceof Error && 'syscall' in error && error.syscall === 'link';
  return code === 'EPERM' && isLink ? NO_LINKS : own(EXPLANATIONS, code);
}

/** Rounded up: a task that needs 0.01 MB does not need 0. */
function megabytes(bytes: number): string {
  return `${(Math.ceil(bytes / 1e5) / 10).toLocaleString('en-US')} MB`;
}

/** Free bytes on the disk of a path or of the nearest folder above it that exists. */
async function freeBytesNear(files: FileOperations, path: string): Promise<number | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      return await files.freeBytes(folder);
    } catch {
      if (dirname(folder) === folder) return undefined;
    }
  }
}
