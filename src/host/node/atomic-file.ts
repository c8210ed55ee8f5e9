/**
 * Files and folders that appear whole or not at all, also when the process is killed or the power fails: written
 * next to their destination under another name, flushed, then renamed.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { explainDiskErrors } from './disk-errors.ts';
import { nodeDisk, type Disk } from './disk.ts';
import type { FileContent, FileOperations } from './file-operations.ts';
import { labelOwner, ownerLabel } from './processes.ts';

/**
 * Writes a file, replacing an existing one or the target of a link. A failure leaves the old one.
 * @throws ResourceError if the disk is full or may not be written.
 */
export async function writeFileAtomic(
  path: string,
  content: FileContent,
  disk: Disk = nodeDisk,
): Promise<void> {
  const { files } = disk;
  await explainDiskErrors(files, { path, bytes: knownLength(content) }, async () => {
    // A file that appears by renaming would take the place of a link instead of what it leads to.
    const target = await files.resolveLinks(path);
    const folder = dirname(target);
    await files.makeFolder(folder);
    await removeLeftovers(disk, target);
    const temporary = await siblingName(disk, target, 'part');
    try {
      await files.create(temporary, content);
      await files.rename(temporary, target);
    } catch (error) {
      await discard(files.remove(temporary));
      throw error;
    }
    await files.syncFolder(folder);
  });
}

export interface FolderFile {
  /** Relative, with forward slashes, inside the folder. */
  readonly path: string;
  readonly content: FileContent;
}

export interface WriteFolderOptions {
  /** Replaces any existing content. */
  readonly force?: boolean;
  /** The user's option for this, for the error's remedy. Default: `--force`. */
  readonly forceFlag?: string;
}

/** Lists the files that {@link writeFolderAtomic} wrote, so that it knows them again. */
export const FOLDER_MARKER = '.retriever-studio.json';

/**
 * Writes a folder, in place of one that it wrote before or of an empty one, or where a link leads.
 *
 * A folder that holds anything else is refused unless forced. Replacing takes two renames: after a kill between
 * them both folders are there whole, the old one as `.NAME.….old`, and the next call puts it back.
 * @throws InputError if the folder holds files of others. @throws ResourceError if the disk is full.
 */
export async function writeFolderAtomic(
  path: string,
  contents: Iterable<FolderFile> | AsyncIterable<FolderFile>,
  options: WriteFolderOptions = {},
  disk: Disk = nodeDisk,
): Promise<void> {
  const { files } = disk;
  await explainDiskErrors(files, { path, bytes: undefined }, async () => {
    const target = await files.resolveLinks(path);
    const parent = dirname(target);
    await files.makeFolder(parent);
    await removeLeftovers(disk, target);
    if (!options.force) await refuseForeignFolder(files, path, options.forceFlag ?? '--force');
    const temporary = await siblingName(disk, target, 'part');
    try {
      await fillFolder(files, temporary, contents);
      await replaceFolder(disk, temporary, target);
    } catch (error) {
      await discard(files.removeFolder(temporary));
      throw error;
    }
  });
}

/** Refuses, before any long work, a folder that {@link writeFolderAtomic} would refuse after it. */
export async function refuseForeignFolder(
  files: FileOperations,
  path: string,
  forceFlag: string,
): Promise<void> {
  const target = resolve(path);
  const status = await files.stat(target);
  if (!status) return;
  if (!status.isFolder) {
    throw new InputError('a folder cannot be written here: this is a file', {
      remedy: 'Choose another folder',
      file: path,
    });
  }
  const present = await listTree(files, target);
  if (present.length === 0) return;
  const ours = new Set(await markedFiles(files, target));
  const foreign = present.filter((name) => !ours.has(name));
  if (foreign.length === 0) return;
  throw new InputError(
    `the folder contains files that the studio did not write (${foreign.slice(0, 3).join(', ')}` +
      `${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''})`,
    {
      remedy: `Choose another folder, or pass ${forceFlag} to replace this one with everything in it`,
      file: path,
    },
  );
}

async function fillFolder(
  files: FileOperations,
  folder: string,
  contents: Iterable<FolderFile> | AsyncIterable<FolderFile>,
): Promise<void> {
  await files.makeFolder(folder);
  const written = [FOLDER_MARKER];
  const folders = new Set([folder]);
  for await (const { path, content } of contents) {
    assertInside(path);
    const file = join(folder, ...path.split('/'));
    for (let above = dirname(file); !folders.has(above); above = dirname(above)) folders.add(above);
    await files.makeFolder(dirname(file));
    await files.create(file, content);
    written.push(path);
  }
  const marker = { madeBy: 'retriever-studio', files: written.sort() };
  await files.create(join(folder, FOLDER_MARKER), `${JSON.stringify(marker, undefined, 2)}\n`);
  for (const each of folders) await files.syncFolder(each);
}

async function replaceFolder(disk: Disk, temporary: string, target: string): Promise<void> {
  const { files } = disk;
  const parent = dirname(target);
  const old = (await files.stat(target)) ? await siblingName(disk, target, 'old') : undefined;
  if (old !== undefined) await files.rename(target, old);
  try {
    await files.rename(temporary, target);
  } catch (error) {
    if (old !== undefined) await discard(files.rename(old, target));
    throw error;
  }
  await files.syncFolder(parent);
  // The new folder is in place; if this does not remove the old one, the next call does.
  if (old !== undefined) await discard(files.removeFolder(old));
}

/** A name next to the target that states its owner and purpose: `.NAME.OWNER.PURPOSE`. */
async function siblingName(disk: Disk, target: string, purpose: 'part' | 'old'): Promise<string> {
  const owner = ownerLabel(await disk.processes.current());
  return join(dirname(target), `.${basename(target)}.${owner}.${purpose}`);
}

/** Removes leftovers of killed processes next to the target, and restores a folder that one was replacing. */
async function removeLeftovers({ files, processes }: Disk, target: string): Promise<void> {
  const prefix = `.${basename(target)}.`;
  for (const name of await files.list(dirname(target))) {
    const [, label = '', purpose] = /^(.+)\.(part|old)$/.exec(name.slice(prefix.length)) ?? [];
    const owner = name.startsWith(prefix) ? labelOwner(label) : undefined;
    if (!owner || (await processes.status(owner)) !== 'dead') continue;
    const leftover = join(dirname(target), name);
    if (purpose === 'old' && !(await files.stat(target))) await files.rename(leftover, target);
    else await files.removeFolder(leftover);
  }
}

function assertInside(path: string): void {
  const parts = path.split('/');
  if (path.includes('\\') || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new RangeError(`writeFolderAtomic: "${path}" is not a path inside the folder`);
  }
}

/** All files below a folder, with forward slashes. */
async function listTree(files: FileOperations, folder: string, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for (const name of await files.list(folder)) {
    const status = await files.stat(join(folder, name));
    if (status?.isFolder) found.push(...(await listTree(files, join(folder, name), `${prefix}${name}/`)));
    else found.push(`${prefix}${name}`);
  }
  return found;
}

/** The files that the marker lists; none if there is no marker or it is not ours. */
async function markedFiles(files: FileOperations, folder: string): Promise<string[]> {
  try {
    const marker: unknown = JSON.parse(
      new TextDecoder().decode(await files.read(join(folder, FOLDER_MARKER))),
    );
    if (typeof marker !== 'object' || marker === null || !('files' in marker)) return [];
    return Array.isArray(marker.files) ? marker.files.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

function knownLength(content: FileContent): number | undefined {
  if (typeof content === 'string') return new TextEncoder().encode(content).length;
  return content instanceof Uint8Array ? content.length : undefined;
}

/** Waits for a clean-up whose failure matters less than the error that led to it. */
async function discard(cleanUp: Promise<void>): Promise<void> {
  try {
    await cleanUp;
  } catch {
    // Removed as a leftover next time.
  }
}
