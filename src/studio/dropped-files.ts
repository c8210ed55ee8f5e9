/** What a user drops or chooses: files and folders, as byte sources and trees. */
import { missingPath, type ByteSource, type FileTree } from '../core/source.ts';
import { isZip, openZip } from '../formats/zip.ts';
import { InputError, messageOf } from '../core/errors.ts';
import { own } from '../core/own.ts';

/** One file of a folder that the browser has already listed. */
export interface ListedFile {
  /** Below the folder, with forward slashes; the folder's own name may come first. */
  readonly path: string;
  readonly file: File;
}

/** A dropped or chosen file, folder, or folder's files. It can be sent to a worker. */
export type DroppedItem = File | FileSystemDirectoryHandle | readonly ListedFile[];

const CHUNK_BYTES = 1 << 20;
/** A corpus folder holds a handful of files; a home directory, dropped by mistake, holds millions. */
export const MAX_FILES = 100_000;
export const MAX_DEPTH = 16;

/** @param name the user's name for it, if it differs from the file name */
export function openFile(file: File, name = file.name): ByteSource {
  return {
    name,
    size: file.size,
    stream: (start = 0, end = file.size) => readChunks(file, name, start, end),
  };
}

/** A folder, the files of one, or a zip as a folder. @throws InputError if a file is not a zip. */
export async function openTree(item: DroppedItem): Promise<FileTree> {
  if (!(item instanceof File)) {
    return item instanceof FileSystemDirectoryHandle ? openFolder(item) : openFiles(item);
  }
  const source = openFile(item);
  if (await isZip(source)) return openZip(source);
  throw new InputError(`${item.name} is neither a folder nor a zip`, {
    file: item.name,
    remedy: 'Drop a BEIR folder (corpus.jsonl, queries.jsonl, qrels/) or a zip of one',
  });
}

/** A folder with all files below it; names that begin with a dot are left out. */
export async function openFolder(folder: FileSystemDirectoryHandle): Promise<FileTree> {
  const files = new Map<string, FileSystemFileHandle>();
  await listFiles(folder, folder.name, '', 0, files);
  const tree: FileTree = {
    name: folder.name,
    paths: [...files.keys()].sort(),
    open: async (path) => {
      const handle = files.get(path);
      if (!handle) throw missingPath(tree, path);
      const name = `${folder.name}/${path}`;
      return openFile(await explained(name, () => handle.getFile()), name);
    },
  };
  return tree;
}

/** The files of a folder, as an input element or a drop has listed them; hidden ones are left out. */
export function openFiles(listed: readonly ListedFile[]): FileTree {
  const shown = listed.filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')));
  if (shown.length > MAX_FILES) throw tooMany('the folder');
  const files = new Map(shown.map(({ path, file }) => [path, file]));
  const top = shown[0]?.path.split('/')[0] ?? '';
  const shareTop = shown.every(({ path }) => path.startsWith(`${top}/`));
  const tree: FileTree = {
    name: shareTop && top !== '' ? top : `${shown.length} files`,
    paths: [...files.keys()].sort(),
    open: (path) => {
      const file = files.get(path);
      return file ? Promise.resolve(openFile(file, path)) : Promise.reject(missingPath(tree, path));
    },
  };
  return tree;
}

async function listFiles(
  folder: FileSystemDirectoryHandle,
  root: string,
  below: string,
  depth: number,
  files: Map<string, FileSystemFileHandle>,
): Promise<void> {
  const entries = folder.entries();
  for (;;) {
    const next = await explained(`${root}/${below}`, () => entries.next());
    if (next.done) return;
    const [name, handle] = next.value;
    if (name.startsWith('.')) continue;
    const path = below === '' ? name : `${below}/${name}`;
    if (handle instanceof FileSystemFileHandle) files.set(path, handle);
    else if (handle instanceof FileSystemDirectoryHandle && depth < MAX_DEPTH) {
      await listFiles(handle, root, path, depth + 1, files);
    }
    if (files.size > MAX_FILES) throw tooMany(root);
  }
}

/** Read piece by piece rather than through the file's own stream, which names every failure a network error. */
async function* readChunks(file: File, name: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end; position += CHUNK_BYTES) {
    const piece = file.slice(position, Math.min(position + CHUNK_BYTES, end));
    yield new Uint8Array(await explained(name, () => piece.arrayBuffer()));
  }
}

export function tooMany(folder: string): InputError {
  return new InputError(`contains more than ${MAX_FILES} files`, {
    file: folder,
    remedy: 'Drop the folder of the corpus itself',
  });
}

const REMEDIES: Readonly<Record<string, readonly [problem: string, remedy: string]>> = {
  NotFoundError: ['no longer exists', 'Drop it again from where it is now'],
  NotReadableError: ['was changed or removed after it was dropped, or cannot be read', 'Drop it again'],
  NotAllowedError: ['cannot be read: permission denied', 'Drop it again and allow the page to read it'],
  SecurityError: ['cannot be read: permission denied', 'Move it to another folder and drop it again'],
};

export async function explained<T>(name: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const [problem, remedy] = (cause instanceof DOMException && own(REMEDIES, cause.name)) || [
      `cannot be read (${messageOf(cause)})`,
      'Drop it again',
    ];
    throw new InputError(problem, { file: name, remedy, cause });
  }
}
