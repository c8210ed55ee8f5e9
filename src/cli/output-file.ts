import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../core/errors.ts';
import { writeFileAtomic } from '../host/node/atomic-file.ts';
import { explainDiskErrors } from '../host/node/disk-errors.ts';
import type { FileContent } from '../host/node/file-operations.ts';
import { errorCode, nodeFiles, unlessCode } from '../host/node/file-operations.ts';
import { addOutput } from './touched-files.ts';

/**
 * Finds out before long work whether its result can be written at the end. What is written there may not be read.
 * @throws InputError if there can be no file at the path, or it is an input. @throws ResourceError if the folder may not be written.
 */
export async function checkOutputFile(path: string): Promise<void> {
  await explainWrongPlace(path, async () => {
    await refuseOtherThanFile(path);
    await checkWritableFolder(dirname(await nodeFiles.resolveLinks(path)), path);
    await addOutput(path, 'file');
  });
}

/**
 * Finds out whether a folder, or the lowest one above it that is there, may be written.
 * @param path what the user named, for the error. @throws ResourceError if not.
 */
export async function checkWritableFolder(folder: string, path: string): Promise<void> {
  await explainDiskErrors(nodeFiles, { path, bytes: undefined }, async () =>
    access(await nearestFolder(await nodeFiles.resolveLinks(folder)), constants.W_OK),
  );
}

/**
 * Writes a file that the user asked for, whole or not at all, in place of one that is there.
 * @throws InputError if there can be no file at the path. @throws ResourceError if the disk is full.
 */
export async function writeOutputFile(path: string, content: FileContent): Promise<void> {
  await explainWrongPlace(path, async () => {
    await refuseOtherThanFile(path);
    await writeFileAtomic(path, content);
  });
}

/** A file that appears by renaming would, where the user is root, take the place of /dev/null itself. */
async function refuseOtherThanFile(path: string): Promise<void> {
  // An empty path is this folder, as it is where the file is written.
  const there = await unlessCode('ENOENT', stat(resolve(path)));
  if (there === undefined || there.isFile()) return;
  if (there.isDirectory()) throw notAFile(path, 'EISDIR');
  throw new InputError('this is a device or a pipe, and output is written only to regular files', {
    file: path,
    remedy: 'Use the path of a regular file',
  });
}

/** The folder, or the lowest one above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  const there = await unlessCode('ENOENT', stat(folder));
  return there !== undefined || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** What the system says where the path cannot be a file, whatever is on the disk. */
const wrongPlace = new Set([
  ...['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ENOENT', 'ENAMETOOLONG', 'EINVAL', 'ELOOP'],
]);

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
  return new InputError(`a file cannot be written here (${reason})`, {
    file: path,
    remedy: 'Use the path of a file in a folder that exists or can be created',
    cause,
  });
}
