import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { FetchProgress } from '../contract.ts';
import { isIntact } from '../download.ts';
import { fetchHubFile, listRepository, notAsked } from '../hub.ts';
import { isPlainPath, type HubFile, type HubListing, type HubName } from '../hub-listing.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { hashFile, writeToDisk } from './download.ts';
import { nodeFiles, unlessCode } from './file-operations.ts';
import { openHub, type HubOptions } from './hub.ts';
import { cachedListing, cachedRepository, cacheName, copyCached } from './hugging-face-cache.ts';

export interface HubCacheOptions extends HubOptions {
  /** Where downloads are kept. Default: $RETRIEVER_STUDIO_CACHE, else retriever-studio/models in the user's cache. */
  readonly cacheFolder?: string | undefined;
  /** Uses only what is cached. Default: whether $HF_HUB_OFFLINE is 1. */
  readonly offline?: boolean | undefined;
}

/** A repository of the hub at a commit. Files are fetched when they are asked for, and kept on disk. */
export interface HubRepository {
  readonly listing: HubListing;
  /** Folder of the files that were fetched, by their paths. */
  readonly root: string;
  /**
   * Where a file is on this disk, fetched unless it is there.
   * @param name in errors
   * @param isChecked whether the hash of a file that is there is compared as well; its size always is
   */
  locate(
    file: HubFile,
    name: string,
    options?: {
      readonly isChecked?: boolean;
      readonly onProgress?: ((progress: FetchProgress) => void) | undefined;
    },
  ): Promise<string>;
}

/** @throws InputError if it may not be read; ConnectionError */
export async function openHubRepository(name: HubName, options: HubCacheOptions): Promise<HubRepository> {
  const { id, revision, kind } = name;
  const hub = openHub(options);
  const offline = options.offline ?? process.env.HF_HUB_OFFLINE === '1';
  const shared = cachedRepository(name);
  const cache = join(
    resolve(options.cacheFolder ?? defaultCacheFolder()),
    hub.endpoint.host.replaceAll(':', '_'),
    ...(kind === 'dataset' ? ['datasets'] : []),
    ...id.split('/'),
  );
  const reference = join(cache, 'revisions', `${encodeURIComponent(revision)}.json`);
  const listings = {
    read: () => unlessCode('ENOENT', nodeFiles.read(reference)),
    write: (listing: string) => writeFileAtomic(reference, listing),
    // Other programs keep single files of a data set, from which its files cannot be told.
    ...(kind !== 'dataset' && { elsewhere: () => cachedListing(shared, revision) }),
  };
  const listing = await listRepository(hub, name, listings, offline);
  const { commit } = listing;
  const root = join(cache, commit);

  return {
    listing,
    root,
    async locate(file, shown, { isChecked = false, onProgress } = {}) {
      if (!isPlainPath(file.path)) throw new RangeError(`"${file.path}" is not a path inside a repository`);
      const target = join(root, ...file.path.split('/'));
      const present = await nodeFiles.stat(target);
      if (present && (file.size === undefined || present.bytes === file.size)) {
        const content = {
          size: present.bytes,
          hash: (algorithm: 'SHA-1' | 'SHA-256', before: string) => hashFile(target, algorithm, before),
        };
        if (!isChecked || (await isIntact(content, file))) return target;
        await nodeFiles.remove(target);
      }
      await writeToDisk(target, file.size, async (sink) => {
        const told = { file: `${id}/${file.path}`, foundIn: cacheName, totalBytes: file.size };
        const onBytes = (receivedBytes: number): void => onProgress?.({ ...told, receivedBytes });
        const isCopied = await copyCached(shared, commit, file, sink, onBytes);
        if (isCopied && (await isIntact(sink, file))) return sink.finish();
        if (isCopied) await sink.discard();
        if (offline) throw notAsked(name, shown);
        return fetchHubFile(hub, { id, kind, revision: commit }, file, sink, onProgress);
      });
      return target;
    },
  };
}

function defaultCacheFolder(): string {
  const own = process.env.RETRIEVER_STUDIO_CACHE;
  if (own) return own;
  const shared =
    process.env.XDG_CACHE_HOME ||
    (process.platform === 'win32' ? process.env.LOCALAPPDATA : undefined) ||
    join(homedir(), '.cache');
  return join(shared, 'retriever-studio', 'models');
}
