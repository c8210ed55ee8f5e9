/** The cache folder of huggingface_hub, which transformers and sentence-transformers share. Nothing is written there. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, sep } from 'node:path';
import type { HubFile, HubListing, HubName } from '../hub-listing.ts';
import type { DiskSink } from './download.ts';

/** Its name in messages and progress. */
export const cacheName = 'the Hugging Face cache folder';

/** Where its folder of a repository is, or would be. */
export function cachedRepository({ id, kind = 'model' }: Pick<HubName, 'id' | 'kind'>): string {
  const { HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = process.env;
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  return join(HF_HUB_CACHE || join(home, 'hub'), `${kind}s--${id.replace('/', '--')}`);
}

/** Copies a file of a commit. @returns whether a file of that size is there; its bytes are not verified yet */
export async function copyCached(
  repository: string,
  commit: string,
  { path, size }: HubFile,
  sink: DiskSink,
  onBytes: (copied: number) => void,
): Promise<boolean> {
  const found = await locate(repository, commit, path);
  if (found === undefined || (size !== undefined && found.size !== size)) return false;
  await sink.discard();
  for await (const part of createReadStream(found.path)) {
    await sink.append(part as Buffer);
    onBytes(sink.size);
  }
  return true;
}

/**
 * The folder's files of a revision, as a substitute for the hub's listing. Undefined if there are none, or if it is
 * unknown whether the model has a modules.json, which defines how to use it.
 */
export async function cachedListing(repository: string, revision: string): Promise<HubListing | undefined> {
  const isCommit = /^[0-9a-f]{40}$/;
  const reference = join(repository, 'refs', ...revision.split('/'));
  const commit = isCommit.test(revision) ? revision : (await orNothing(readFile(reference, 'utf8')))?.trim();
  if (commit === undefined || !isCommit.test(commit)) return undefined;
  const files: HubFile[] = [];
  const names = await orNothing(readdir(join(repository, 'snapshots', commit), { recursive: true }));
  for (const name of names ?? []) {
    const path = name.replaceAll('\\', '/');
    const found = await locate(repository, commit, path);
    if (found === undefined) continue;
    // Blobs are named by their hash: as git or as LFS names them.
    const [hash] = /^([0-9a-f]{40}|[0-9a-f]{64})$/.exec(basename(found.path)) ?? [];
    files.push({
      path,
      size: found.size,
      sha256: hash?.length === 64 ? hash : undefined,
      gitSha1: hash?.length === 40 ? hash : undefined,
    });
  }
  const isKnownMissing = await orNothing(stat(join(repository, '.no_exist', commit, 'modules.json')));
  const isTold = isKnownMissing !== undefined || files.some(({ path }) => path === 'modules.json');
  return isTold ? { commit, files } : undefined;
}

/** The file itself: snapshots are links to blobs. None that leads out of the repository's folder. */
async function locate(
  repository: string,
  commit: string,
  path: string,
): Promise<{ readonly path: string; readonly size: number } | undefined> {
  const root = await orNothing(realpath(repository));
  const found = await orNothing(realpath(join(repository, 'snapshots', commit, ...path.split('/'))));
  if (root === undefined || !found?.startsWith(root + sep)) return undefined;
  const status = await orNothing(stat(found));
  return status?.isFile() === true ? { path: found, size: status.size } : undefined;
}

/** Unreadable files count as missing. */
async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch(() => undefined);
}
