import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../host/errors.ts';
import { writeFileAtomic } from '../host/node/atomic-file.ts';
import type { FileContent } from '../host/node/file-operations.ts';
import { errorCode, unlessCode } from '../host/node/file-operations.ts';

/**
 * Finds out before long work whether its result can be written at the end.
 * @throws InputError if there can be no file at the path, or the folder may not be written.
 */
export async function checkOutputFile(path: string): Promise<void> {
  try {
    const there = await unlessCode('ENOENT', stat(path));
    if (there?.isDirectory()) throw notAFile(path, 'EISDIR');
    await access(await nearestFolder(dirname(resolve(path))), constants.W_OK);
  } catch (error) {
    const code = errorCode(error);
    throw code === undefined ? error : notAFile(path, code, error);
  }
}

/** The folder, or the lowest one above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  const there = await unlessCode('ENOENT', stat(folder));
  return there !== undefined || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** What the system says where the path cannot be a file, whatever is on the disk. */
const wrongPlace = new Set(['EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ENOENT', 'ENAMETOOLONG', 'EINVAL']);

/**
 * Writes a file that the user asked for, whole or not at all, in place of one that is there.
 * @throws InputError if there can be no file at the path. @throws ResourceError if the disk is full.
 */
export async function writeOutputFile(path: string, content: FileContent): Promise<void> {
  try {
    await writeFileAtomic(path, content);
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
