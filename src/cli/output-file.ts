import { access, constants, lstat, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../host/errors.ts';
import { writeFileAtomic } from '../host/node/atomic-file.ts';
import { explainDiskErrors } from '../host/node/disk-errors.ts';
import type { FileContent } from '../host/node/file-operations.ts';
import { errorCode, nodeFiles, unlessCode } from '../host/node/file-operations.ts';

/**
 * Finds out before long work whether its result can be written at the end.
 * @throws InputError if there can be no file at the path. @throws ResourceError if the folder may not be written.
 */
export async function checkOutputFile(path: string): Promise<void> {
  await explainWrongPlace(path, async () => {
    await checkWritableFolder(dirname(await fileToReplace(path)), path);
  });
}

/**
 * Finds out whether a folder, or the lowest one above it that is there, may be written.
 * @param path what the user named, for the error. @throws ResourceError if not.
 */
export async function checkWritableFolder(folder: string, path: string): Promise<void> {
  await explainDiskErrors(nodeFiles, { path, bytes: undefined }, async () =>
    access(await nearestFolder(resolve(folder)), constants.W_OK),
  );
}

/**
 * Writes a file that the user asked for, whole or not at all, in place of one that is there.
 * @throws InputError if there can be no file at the path. @throws ResourceError if the disk is full.
 */
export async function writeOutputFile(path: string, content: FileContent): Promise<void> {
  await explainWrongPlace(path, async () => writeFileAtomic(await fileToReplace(path), content));
}

/**
 * The file that a path leads to. A file that appears by renaming would take the place of a link instead of what it
 * leads to, and, where the user is root, of /dev/null itself.
 */
async function fileToReplace(path: string): Promise<string> {
  // An empty path is this folder, as it is where the file is written.
  const there = await unlessCode('ENOENT', stat(resolve(path)));
  if (there === undefined) return path;
  if (there.isDirectory()) throw notAFile(path, 'EISDIR');
  if (!there.isFile()) {
    throw new InputError('this is a device or a pipe, and results are written to files only', {
      file: path,
      remedy: 'Give the path of a file',
    });
  }
  return (await lstat(path)).isSymbolicLink() ? realpath(path) : path;
}

/** The folder, or the lowest one above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  const there = await unlessCode('ENOENT', stat(folder));
  return there !== undefined || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** What the system says where the path cannot be a file, whatever is on the disk. */
const wrongPlace = new Set(['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ENOENT', 'ENAMETOOLONG', 'EINVAL']);

async function explainWrongPlace(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined || !wrongPlace.has(code)) throw error;
    throw notAFile(path, code, error);
  }
}

function notAFile(path: string, reason: string, cause?: unknown): InputError {
  return new InputError(`a file can not be written here (${reason})`, {
    file: path,
    remedy: 'Give the path of a file in a folder that can be made',
    cause,
  });
}
