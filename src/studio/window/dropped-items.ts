/** Files dropped on the page or chosen in its inputs: only a window receives them. */
import {
  explained,
  MAX_DEPTH,
  MAX_FILES,
  tooMany,
  type DroppedItem,
  type ListedFile,
} from '../dropped-files.ts';

/** What an `<input type="file">` holds: its files, or with `webkitdirectory` one folder. */
export function chosenItems(files: FileList): readonly DroppedItem[] {
  const listed = Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file }));
  const isFolder = listed.some(({ path }) => path.includes('/'));
  return isFolder ? [listed] : listed.map(({ file }) => file);
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
