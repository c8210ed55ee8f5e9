/** How every command opens what it reads: no output of it may then be written there. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRange, type ByteSource, type FileTree } from '../core/source.ts';
import { openFile as openOnDisk, openTree as openTreeOnDisk } from '../host/node/files.ts';
import { openModelFiles as openModelFilesOnDisk, type DiskModelFiles } from '../host/node/model-files.ts';
import { FolderStore } from '../host/node/store.ts';
import type { CliIo } from './io.ts';
import { addInput } from './touched-files.ts';

/** What came through pipes: they can be read once. */
const pipes = new Map<string, Promise<ByteSource>>();

/** @throws InputError if there is no such file, it can not be read, or the command is to write there. */
export async function openFile(path: string): Promise<ByteSource> {
  const status = await stat(path).catch(() => undefined);
  if (status === undefined || status.isDirectory()) return openOnDisk(path);
  if (status.isFile()) {
    await addInput(path, 'file');
    return openOnDisk(path);
  }
  const source = pipes.get(path) ?? openOnDisk(path);
  pipes.set(path, source);
  return source;
}

/** The whole text of a file. @throws InputError as {@link openFile} does */
export async function readText(path: string): Promise<string> {
  const file = await openFile(path);
  return new TextDecoder().decode(await readRange(file, 0, file.size));
}

/** A folder, or a zip as a folder. @throws InputError as {@link openFile} does */
export async function openTree(path: string): Promise<FileTree> {
  const status = await stat(path).catch(() => undefined);
  const isFolder = status?.isDirectory() === true;
  if (status?.isFile() === true) await addInput(path, 'file');
  const tree = await openTreeOnDisk(path);
  if (!isFolder) return tree;
  return {
    ...tree,
    // Of a folder only the files that are opened are inputs: a run may be written beside them.
    open: async (relative) => {
      const file = await tree.open(relative);
      await addInput(join(path, relative), 'file');
      return file;
    },
  };
}

/** A folder that this command has just written, which is no input of it. */
export async function openWrittenTree(path: string): Promise<FileTree> {
  return openTreeOnDisk(path);
}

/** Models from folders, the hub and the installation. @throws InputError as {@link openFile} does */
export function openModelFiles(): DiskModelFiles {
  const files = openModelFilesOnDisk();
  return {
    open: async (model, onProgress) => {
      const folder = await files.open(model, onProgress);
      await addInput(folder.root, 'folder');
      return {
        ...folder,
        read: async (path) => {
          await addInput(join(folder.root, ...path.split('/')), 'file');
          return folder.read(path);
        },
      };
    },
  };
}

/** A store, whose problems are shown as warnings. @throws InputError as {@link openFile} does */
export async function openStore(folder: string, io: CliIo): Promise<FolderStore> {
  await addInput(folder, 'folder');
  return FolderStore.open(folder, { report: (problem) => io.warn(problem) });
}
