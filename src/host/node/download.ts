import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DownloadSink } from '../download.ts';
import { ResourceError } from '../../core/errors.ts';
import { explainDiskErrors } from './disk-errors.ts';
import { nodeFiles } from './file-operations.ts';
import { labelOwner, nodeProcesses, ownerLabel } from './processes.ts';

/**
 * Lets a callback write a file, which appears whole or not at all. The partial file of a broken or killed attempt
 * is resumed. If several calls write to one path at a time, only one writes.
 * @param bytes expected size, if known
 * @throws ResourceError if the disk is too small.
 */
export async function writeToDisk(
  target: string,
  bytes: number | undefined,
  write: (sink: DiskSink) => Promise<void>,
): Promise<void> {
  const writing = running.get(target) ?? writeOnce(target, bytes, write);
  running.set(target, writing);
  try {
    await writing;
  } finally {
    running.delete(target);
  }
}
/** By target. A partial file of this process may be resumed only while none of its downloads writes to it. */
const running = new Map<string, Promise<void>>();

async function writeOnce(
  target: string,
  bytes: number | undefined,
  write: (sink: DiskSink) => Promise<void>,
): Promise<void> {
  await explainDiskErrors(nodeFiles, { path: target, bytes }, async () => {
    await nodeFiles.makeFolder(dirname(target));
    const partial = await claimPartial(target);
    await refuseFullDisk(partial, target, bytes);
    const sink = await DiskSink.open(partial, target);
    try {
      await write(sink);
    } finally {
      await sink.close();
    }
  });
}

/** In hex, of some text and the bytes of a file after it. */
export async function hashFile(
  path: string,
  algorithm: 'SHA-1' | 'SHA-256',
  before: string,
): Promise<string> {
  const hash = createHash(algorithm).update(before);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A file that is written next to its destination and renamed once it is complete. */
export class DiskSink implements DownloadSink<void> {
  readonly path: string;
  size: number;
  readonly #target: string;
  readonly #file: FileHandle;

  static async open(path: string, target: string): Promise<DiskSink> {
    const file = await open(path, 'a+');
    return new DiskSink(path, target, file, (await file.stat()).size);
  }

  private constructor(path: string, target: string, file: FileHandle, size: number) {
    this.path = path;
    this.#target = target;
    this.#file = file;
    this.size = size;
  }

  async append(part: Uint8Array): Promise<void> {
    await this.#file.appendFile(part);
    this.size += part.length;
  }

  async discard(): Promise<void> {
    await this.#file.truncate(0);
    this.size = 0;
  }

  hash(algorithm: 'SHA-1' | 'SHA-256', before: string): Promise<string> {
    return hashFile(this.path, algorithm, before);
  }

  async finish(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await nodeFiles.rename(this.path, this.#target);
    await nodeFiles.syncFolder(dirname(this.#target));
  }

  /** Leaves the written bytes for a later attempt to resume. */
  async close(): Promise<void> {
    await this.#file.close();
    if (this.size === 0) await nodeFiles.remove(this.path);
  }
}

/** Takes over the partial file of a dead process, or starts a new one. @returns The path to write to. */
async function claimPartial(target: string): Promise<string> {
  const prefix = `${basename(target)}.`;
  const own = `${target}.${ownerLabel(await nodeProcesses.current())}.partial`;
  for (const name of await nodeFiles.list(dirname(target))) {
    if (!name.startsWith(prefix) || !name.endsWith('.partial')) continue;
    const owner = labelOwner(name.slice(prefix.length, -'.partial'.length));
    if (!owner) continue;
    const free = owner.pid === process.pid || (await nodeProcesses.status(owner)) === 'dead';
    if (!free) continue;
    try {
      // Of several processes that try, one succeeds.
      await nodeFiles.rename(join(dirname(target), name), own);
      return own;
    } catch {
      continue;
    }
  }
  return own;
}

async function refuseFullDisk(partial: string, target: string, bytes: number | undefined): Promise<void> {
  if (bytes === undefined) return;
  const present = (await nodeFiles.stat(partial))?.bytes ?? 0;
  const free = await nodeFiles.freeBytes(dirname(partial));
  if (free >= bytes - present) return;
  throw new ResourceError(
    `${basename(target)} needs ${Math.ceil((bytes - present) / 1e6)} MB, but only ${Math.floor(free / 1e6)} MB are free`,
    { file: dirname(partial), remedy: 'Free disk space, or choose another cache folder' },
  );
}
