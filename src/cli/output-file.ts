import { InputError } from '../host/errors.ts';
import { writeFileAtomic } from '../host/node/atomic-file.ts';
import type { FileContent } from '../host/node/file-operations.ts';
import { errorCode } from '../host/node/file-operations.ts';

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
    throw new InputError(`a file can not be written here (${code})`, {
      file: path,
      remedy: 'Give the path of a file in a folder that can be made',
      cause: error,
    });
  }
}
