/** Dropped and chosen files and folders as byte sources and trees. */
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

/** What a user dropped or chose: a file, a folder, or a folder's files. It may be sent to a worker. */
export type DroppedItem = File | FileSystemDirectoryHandle | readonly ListedFile[];

const CHUNK_BYTES = 1 << 20;
/** A corpus folder holds a handful of files; a home directory, dropped by mistake, holds millions. */
const MAX_FILES = 100_000;
const MAX_DEPTH = 16;

/** @param name What the user calls it, where that is more than the file's own name. */
export function openFile(file: File, name = file.name): ByteSource {
  return {
    name,
    size: file.size,
    stream: (start = 0, end = file.size) => readChunks(file, name, start, end),
  };
}

/** A folder, the files of one, or a zip as a folder. @throws InputError if a file is no zip. */
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

/** What an `<input type="file">` holds, with `webkitdirectory` or without: its one file, or a folder's files. */
export function chosenItem(files: FileList): DroppedItem | undefined {
  const listed = Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
  const [first] = listed;
  return listed.length === 1 && first && !first.path.includes('/') ? first.file : first && listed;
}

/**
 * What was dropped on the page. To be called while the drop event is handled: afterwards the browser has forgotten it.
 * @returns each dropped file or folder.
 */
export function droppedItems(transfer: DataTransfer): Promise<DroppedItem[]> {
  const pending: Promise<DroppedItem | undefined>[] = [];
  for (const item of transfer.items) {
    if (item.kind === 'file') pending.push(droppedItem(item));
  }
  return Promise.all(pending).then((items) => items.filter((item) => item !== undefined));
}

/** TypeScript does not know of this one yet, nor do all browsers. */
interface HandleItem {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
}

async function droppedItem(item: DataTransferItem): Promise<DroppedItem | undefined> {
  // All of these before the first await.
  const entry = item.webkitGetAsEntry();
  const file = item.getAsFile();
  const handle = await (item as HandleItem).getAsFileSystemHandle?.();
  if (handle instanceof FileSystemDirectoryHandle) return handle;
  if (entry?.isDirectory) {
    const listed: ListedFile[] = [];
    await listEntries(entry as FileSystemDirectoryEntry, entry.name, 0, listed);
    return listed;
  }
  return file ?? undefined;
}

async function listEntries(
  folder: FileSystemDirectoryEntry,
  path: string,
  depth: number,
  listed: ListedFile[],
): Promise<void> {
  const reader = folder.createReader();
  for (;;) {
    // Comes in parts, and ends with an empty one.
    const entries = await explained(
      path,
      () => new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject)),
    );
    if (entries.length === 0) return;
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory) {
        if (depth < MAX_DEPTH) await listEntries(entry as FileSystemDirectoryEntry, below, depth + 1, listed);
        continue;
      }
      const file = await explained(
        below,
        () => new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)),
      );
      listed.push({ path: below, file });
      if (listed.length > MAX_FILES) throw tooMany(path);
    }
  }
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

function tooMany(folder: string): InputError {
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

async function explained<T>(name: string, action: () => Promise<T>): Promise<T> {
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
