import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FetchProgress } from '../contract.ts';
import { InputError, ResourceError } from '../errors.ts';
import { explainDiskErrors } from './disk-errors.ts';
import { nodeFiles } from './file-operations.ts';
import type { HubFile } from '../hub-listing.ts';
import { TransientError, type Hub } from './hub.ts';
import { labelOwner, nodeProcesses, ownerLabel } from './processes.ts';

/** One file of one commit: its bytes never change. */
export interface Download {
  readonly id: string;
  readonly commit: string;
  readonly file: HubFile;
  readonly target: string;
  readonly onProgress: ((progress: FetchProgress) => void) | undefined;
}

/**
 * Fetches a file to its place, which it takes whole and checked or not at all. What a broken or killed attempt
 * left is gone on with.
 * @throws InputError if the bytes are not those that the hub lists. @throws ResourceError if the disk is too small.
 */
export async function download(hub: Hub, task: Download): Promise<void> {
  const fetching = running.get(task.target) ?? fetchWhole(hub, task);
  running.set(task.target, fetching);
  try {
    await fetching;
  } finally {
    running.delete(task.target);
  }
}
/** By target: what this process left is free to go on with only while none of its own downloads writes to it. */
const running = new Map<string, Promise<void>>();

async function fetchWhole(hub: Hub, task: Download): Promise<void> {
  const { target, file } = task;
  await explainDiskErrors(nodeFiles, { path: target, bytes: file.size }, async () => {
    await nodeFiles.makeFolder(dirname(target));
    const partial = await claimPartial(target);
    await refuseFullDisk(partial, file);
    let damaged = false;
    for (;;) {
      await fetchRest(hub, task, partial);
      if (await isIntact(partial, file)) break;
      await nodeFiles.remove(partial);
      // Once may be a disk or a proxy; twice the hub itself is not what it lists.
      if (damaged) throw damage(task);
      damaged = true;
    }
    await nodeFiles.rename(partial, target);
    await nodeFiles.syncFolder(dirname(target));
  });
}

/** Takes over what a process that is gone left of this file, or starts anew. @returns The path to write to. */
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

async function refuseFullDisk(partial: string, file: HubFile): Promise<void> {
  if (file.size === undefined) return;
  const present = (await nodeFiles.stat(partial))?.bytes ?? 0;
  const free = await nodeFiles.freeBytes(dirname(partial));
  if (free >= file.size - present) return;
  throw new ResourceError(
    `${file.path} needs ${Math.ceil((file.size - present) / 1e6)} MB, the disk has ${Math.floor(free / 1e6)} MB`,
    { file: dirname(partial), remedy: 'Free space there, or choose another cache folder' },
  );
}

/** Appends to the partial file until it has all bytes. */
async function fetchRest(hub: Hub, task: Download, partial: string): Promise<void> {
  const { file, onProgress } = task;
  const handle = await open(partial, 'a+');
  try {
    let received = (await handle.stat()).size;
    let total = file.size;
    const report = (): void => onProgress?.({ file: file.path, receivedBytes: received, totalBytes: total });
    const restart = async (): Promise<void> => {
      await handle.truncate(0);
      received = 0;
    };
    if (total !== undefined && received > total) await restart();
    await hub.retrying(
      `${task.id}/${file.path}`,
      async () => {
        if (total !== undefined && received === total) return;
        const response = await hub.open(task.id, task.commit, file.path, received);
        const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
        if (response.status === 416 || (response.status === 206 && Number(range?.[1]) !== received)) {
          await response.body?.cancel();
          await restart();
          throw new TransientError('the server answers with another part of the file than was asked for');
        }
        if (response.status === 200 && received > 0) await restart();
        const stated = Number(
          response.status === 206 ? range?.[2] : (response.headers.get('content-length') ?? NaN),
        );
        total ??= Number.isSafeInteger(stated) ? stated : undefined;
        report();
        for await (const chunk of hub.stream(response)) {
          if (total !== undefined && received + chunk.length > total) throw damage(task);
          await handle.appendFile(chunk);
          received += chunk.length;
          report();
        }
        if (total !== undefined && received < total) {
          throw new TransientError(`the connection ended ${total - received} bytes early`);
        }
      },
      () => received,
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isIntact(path: string, file: HubFile): Promise<boolean> {
  const size = (await nodeFiles.stat(path))?.bytes ?? 0;
  if (file.size !== undefined && size !== file.size) return false;
  if (file.sha256 !== undefined) return (await hashOf(path, 'sha256', '')) === file.sha256;
  // git names a file by the SHA-1 of its length and its bytes.
  if (file.gitSha1 !== undefined) return (await hashOf(path, 'sha1', `blob ${size}\0`)) === file.gitSha1;
  return true;
}

async function hashOf(path: string, algorithm: 'sha1' | 'sha256', before: string): Promise<string> {
  const hash = createHash(algorithm).update(before);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function damage(task: Download): InputError {
  return new InputError('the downloaded bytes are not those that the hub lists', {
    file: `${task.id}/${task.file.path}`,
    remedy:
      'Try again later; if it stays so, use another mirror (HF_ENDPOINT) or download the folder by hand',
  });
}
