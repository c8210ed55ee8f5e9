/**
 * A file system in memory that knows what a power failure would leave, and that fails or stops at any operation.
 *
 * Each file has the content that readers see and the content that is on the platter; each folder likewise its names.
 * `create` flushes a file in its last step, `syncFolder` a folder. A kill leaves what readers see; a power failure
 * leaves the platter, and in some folders also the names that were not flushed, with files that were not flushed
 * empty, as journaling file systems do.
 */
import { basename, dirname } from 'node:path';
import type { Disk } from '../../src/host/node/disk.ts';
import { contentPieces, type FileContent, type FileOperations } from '../../src/host/node/file-operations.ts';
import type { ProcessIdentity } from '../../src/host/node/processes.ts';

interface FileNode {
  readonly kind: 'file';
  content: Uint8Array<ArrayBuffer>;
  flushed: Uint8Array<ArrayBuffer>;
}

interface FolderNode {
  readonly kind: 'folder';
  names: Map<string, Node>;
  flushed: Map<string, Node>;
}

type Node = FileNode | FolderNode;

const newFolder = (): FolderNode => ({ kind: 'folder', names: new Map(), flushed: new Map() });

/** Thrown by every operation of a process after it was killed. */
export class Killed extends Error {}

/** What happens at an operation of a simulated process. */
export type Fault =
  /** It fails with this code before or after it took effect, and the process goes on. */
  | { readonly kind: 'error'; readonly code: string; readonly when: 'before' | 'after' }
  /** From then on everything that needs space fails with ENOSPC. */
  | { readonly kind: 'full' }
  /** The process stops there. */
  | { readonly kind: 'kill'; readonly when: 'before' | 'after' };

export class SimulatedDisk {
  #root = newFolder();
  readonly #alive = new Set<number>();
  #nextPid = 1;

  /** A process with its own view of the disk. */
  start(): SimulatedProcess {
    const pid = this.#nextPid++;
    this.#alive.add(pid);
    return new SimulatedProcess(this, pid);
  }

  end(pid: number): void {
    this.#alive.delete(pid);
  }

  isAlive(pid: number): boolean {
    return this.#alive.has(pid);
  }

  /**
   * All processes stop, and what was not flushed is lost.
   * @param keepsNames Which folders had reached the disk with all their names all the same.
   */
  powerFailure(keepsNames: (folder: string) => boolean): void {
    this.#alive.clear();
    const reset = (node: Node, path: string): void => {
      if (node.kind === 'file') {
        node.content = node.flushed;
        return;
      }
      if (!keepsNames(path)) node.names = new Map(node.flushed);
      for (const [name, child] of node.names) reset(child, `${path}/${name}`);
      node.flushed = new Map(node.names);
    };
    reset(this.#root, '');
  }

  /** Every file's path. */
  files(folder: FolderNode = this.#root, prefix = ''): string[] {
    return [...folder.names].flatMap(([name, node]) =>
      node.kind === 'file' ? [`${prefix}/${name}`] : this.files(node, `${prefix}/${name}`),
    );
  }

  content(path: string): Uint8Array<ArrayBuffer> {
    return this.file(path).content;
  }

  /** Bit rot. */
  overwrite(path: string, content: Uint8Array<ArrayBuffer>): void {
    const file = this.file(path);
    file.content = content;
    file.flushed = content;
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split('/').filter(Boolean)) {
      node = node?.kind === 'folder' ? node.names.get(name) : undefined;
    }
    return node;
  }

  file(path: string): FileNode {
    const node = this.find(path);
    if (node?.kind !== 'file') throw coded('ENOENT', path);
    return node;
  }

  folder(path: string): FolderNode {
    const node = this.find(path);
    if (!node) throw coded('ENOENT', path);
    if (node.kind !== 'folder') throw coded('ENOTDIR', path);
    return node;
  }
}

const NEEDS_SPACE = true;

function coded(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

export class SimulatedProcess implements Disk {
  /** Waits before each operation: other processes come in between. */
  pause: (operation: keyof FileOperations, path: string) => Promise<void> = () => Promise.resolve();
  /** Steps that can fail so far; `create` has four, `makeFolder` two a folder. */
  operations = 0;
  readonly pid: number;
  readonly files: FileOperations;
  readonly processes;
  readonly #disk: SimulatedDisk;
  #faultAt = Infinity;
  #fault: Fault | undefined;

  constructor(disk: SimulatedDisk, pid: number) {
    this.#disk = disk;
    this.pid = pid;
    this.processes = {
      current: () => Promise.resolve<ProcessIdentity>({ pid, started: '0', host: 'simulated' }),
      status: (other: ProcessIdentity) =>
        Promise.resolve(disk.isAlive(other.pid) ? ('alive' as const) : ('dead' as const)),
    };
    this.files = this.#operations();
  }

  /** Lets the n-th operation from now on (1-based) go wrong; an error comes once. */
  faultAt(n: number, fault: Fault): void {
    this.#faultAt = this.operations + n;
    this.#fault = fault;
  }

  kill(): void {
    this.#disk.end(this.pid);
  }

  /** One step that can go wrong. */
  #step<T>(path: string, effect: () => T, needsSpace = false): T {
    if (!this.#disk.isAlive(this.pid)) throw new Killed();
    this.operations++;
    if (this.#fault?.kind === 'full') {
      if (needsSpace && this.operations >= this.#faultAt) throw coded('ENOSPC', path);
      return effect();
    }
    const fault = this.operations === this.#faultAt ? this.#fault : undefined;
    if (fault?.when === 'before') this.#goWrong(fault, path);
    const result = effect();
    if (fault?.when === 'after') this.#goWrong(fault, path);
    return result;
  }

  #goWrong(fault: Exclude<Fault, { kind: 'full' }>, path: string): never {
    if (fault.kind === 'error') throw coded(fault.code, path);
    this.kill();
    throw new Killed();
  }

  #operations(): FileOperations {
    const disk = this.#disk;
    const parent = (path: string) => disk.folder(dirname(path)).names;
    const step = async <T>(
      operation: keyof FileOperations,
      path: string,
      effect: () => T,
      needsSpace = false,
    ): Promise<T> => {
      await this.pause(operation, path);
      return this.#step(path, effect, needsSpace);
    };
    return {
      makeFolder: async (path) => {
        const parts = path.split('/').filter(Boolean);
        for (let depth = 1; depth <= parts.length; depth++) {
          const folder = `/${parts.slice(0, depth).join('/')}`;
          if (disk.find(folder)) continue;
          await step(
            'makeFolder',
            folder,
            () => {
              if (!disk.find(folder)) parent(folder).set(basename(folder), newFolder());
            },
            NEEDS_SPACE,
          );
          await step('makeFolder', folder, () => {
            const above = disk.folder(dirname(folder));
            above.flushed = new Map(above.names);
          });
        }
      },
      list: (path) => step('list', path, () => (disk.find(path) ? [...disk.folder(path).names.keys()] : [])),
      read: (path) => step('read', path, () => disk.file(path).content.slice()),
      stat: (path) =>
        step('stat', path, () => {
          const node = disk.find(path);
          if (!node) return undefined;
          const isFolder = node.kind === 'folder';
          return { isFolder, bytes: isFolder ? 0 : node.content.length, modified: Date.now() };
        }),
      // There are no links here.
      resolveLinks: (path) => Promise.resolve(path),
      create: async (path, content: FileContent) => {
        const pieces: Uint8Array[] = [];
        for await (const piece of contentPieces(content)) pieces.push(piece);
        const whole = new Uint8Array(Buffer.concat(pieces));
        const file: FileNode = { kind: 'file', content: new Uint8Array(), flushed: new Uint8Array() };
        await step(
          'create',
          path,
          () => {
            if (disk.find(path)) throw coded('EEXIST', path);
            parent(path).set(basename(path), file);
          },
          NEEDS_SPACE,
        );
        await step('create', path, () => (file.content = whole.slice(0, whole.length >> 1)), NEEDS_SPACE);
        await step('create', path, () => (file.content = whole), NEEDS_SPACE);
        await step('create', path, () => (file.flushed = whole));
      },
      link: (existing, path) =>
        step(
          'link',
          path,
          () => {
            const file = disk.file(existing);
            if (disk.find(path)) throw coded('EEXIST', path);
            parent(path).set(basename(path), file);
          },
          NEEDS_SPACE,
        ),
      rename: (from, to) =>
        step('rename', to, () => {
          const node = disk.find(from);
          if (!node) throw coded('ENOENT', from);
          if (disk.find(to) === node) return;
          parent(to).set(basename(to), node);
          parent(from).delete(basename(from));
        }),
      remove: (path) =>
        step('remove', path, () => {
          if (disk.find(path)) parent(path).delete(basename(path));
        }),
      removeFolder: async (path) => {
        const node = disk.find(path);
        if (!node) return;
        if (node.kind === 'folder') {
          for (const name of [...node.names.keys()]) {
            await step('removeFolder', `${path}/${name}`, () => node.names.delete(name));
          }
        }
        await step('removeFolder', path, () => parent(path).delete(basename(path)));
      },
      syncFolder: (path) =>
        step('syncFolder', path, () => {
          const folder = disk.folder(path);
          folder.flushed = new Map(folder.names);
        }),
      freeBytes: () => Promise.resolve(1_000_000),
    };
  }
}
