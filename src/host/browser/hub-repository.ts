import { digest } from '../../core/sha256.ts';
import type { FetchProgress } from '../contract.ts';
import { isIntact, MemorySink, type Content, type DownloadOptions } from '../download.ts';
import { fetchHubFile, hubFileUrl, listingUrl, listRepository, type Hub } from '../hub.ts';
import type { HubFile, HubListing, HubName } from '../hub-listing.ts';
import { ModelCache } from './model-cache.ts';

export interface HubCacheOptions extends DownloadOptions {
  /** Default https://huggingface.co/. */
  readonly endpoint?: URL | undefined;
  /** Told in one line what does not keep a repository from being read. */
  readonly report: (problem: string) => void;
}

/** A repository of the hub at a commit. Files are fetched when they are read, and kept in a cache of the browser. */
export interface HubRepository {
  readonly listing: HubListing;
  /** @param limit of a file whose size the hub does not list */
  read(
    file: HubFile,
    onProgress?: (progress: FetchProgress) => void,
    limit?: { readonly bytes: number; readonly error: () => Error },
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * @param cacheName of the browser's cache
 * @throws InputError if it may not be read; ConnectionError
 */
export async function openHubRepository(
  name: HubName,
  cacheName: string,
  options: HubCacheOptions,
): Promise<HubRepository> {
  const hub = openHub(name, options);
  const cache = new ModelCache(cacheName, options.report);
  const listed = listingUrl(hub, name);
  const listing = await listRepository(hub, name, {
    read: () => cache.get(listed),
    write: (text) => cache.put(listed, new TextEncoder().encode(text)),
  });
  const pinned = { ...name, revision: listing.commit };
  return {
    listing,
    read(file, onProgress, limit) {
      const kept = hubFileUrl(hub, pinned, file.path);
      const lock = options.signal === undefined ? {} : { signal: options.signal };
      // If several tabs and workers need it, one fetches it.
      return navigator.locks.request(`${cacheName}/${kept.href}`, lock, async () => {
        const cached = await cache.get(kept);
        if (cached && (await isIntact(contentOf(cached), file))) return cached;
        const bytes = await fetchHubFile(hub, pinned, file, sinkOf(file, limit), onProgress);
        await cache.put(kept, bytes);
        return bytes;
      });
    },
  };
}

function sinkOf({ size }: HubFile, limit: Parameters<HubRepository['read']>[2]): MemorySink {
  return new MemorySink(size, limit?.bytes, limit?.error);
}

export const DEFAULT_HUB = new URL('https://huggingface.co/');

/** How a page asks the hub: whole files, since servers of models do not let pages of other sites ask for a part. */
function openHub({ kind }: HubName, { endpoint, signal, stallMs, retryMs }: HubCacheOptions): Hub {
  const isDataset = kind === 'dataset';
  const folder = isDataset ? 'its files' : 'the model folder';
  return {
    signal,
    stallMs,
    retryMs,
    endpoint: endpoint ?? DEFAULT_HUB,
    visitor: 'everybody',
    remedies: {
      unreachable: `Re-run when the connection works, or drop ${folder} on the page`,
      damaged: `Re-run later, or drop ${folder} on the page`,
      gated: `download its ${isDataset ? 'files' : 'folder'} there and drop ${isDataset ? 'them' : 'it'} on the page`,
      private: `Fix the spelling of ORG/NAME; if it is private, download the ${isDataset ? 'files and drop them' : 'folder and drop it'} on the page`,
      status: 'Re-run later',
    },
    request: (url, _, ending) => fetch(url, { signal: ending }),
  };
}

function contentOf(bytes: Uint8Array<ArrayBuffer>): Content {
  return { size: bytes.length, hash: (algorithm, before) => digest(algorithm, bytes, before) };
}
