import { InputError } from '../../core/errors.ts';
import { formatBytes } from '../../core/format-bytes.ts';
import { bytesSource } from '../../core/source.ts';
import type { DatasetName, Datasets } from '../datasets.ts';
import {
  DEFAULT_HUB,
  openHubRepository,
  type HubCacheOptions,
  type HubRepository,
} from './hub-repository.ts';

const CACHE = 'retriever-studio/datasets';
/** Of one file, which is in memory while it is read. */
const MAX_BYTES = 2 ** 29;

export interface CachedDatasets extends Datasets {
  /** Gives up what the cache keeps of any data set. */
  forget(): Promise<void>;
}

/** Data sets of the Hugging Face hub, whose files are kept in a cache of the browser until they are forgotten. */
export function openDatasets(options: HubCacheOptions): CachedDatasets {
  const repositories = new Map<string, HubRepository>();
  const open = async ({ id, revision }: DatasetName): Promise<HubRepository> => {
    const known = repositories.get(`${id}@${revision}`);
    if (known !== undefined) return known;
    const repository = await openHubRepository({ id, revision, kind: 'dataset' }, CACHE, options);
    for (const name of [revision, repository.listing.commit]) repositories.set(`${id}@${name}`, repository);
    return repository;
  };
  return {
    hub: options.endpoint ?? DEFAULT_HUB,
    list: async (name) => (await open(name)).listing,
    async open(name, file, onProgress) {
      const shown = `${name.id}/${file.path}`;
      const tooLarge = (has: string): InputError =>
        new InputError(`has ${has}, but the limit in a page is ${formatBytes(MAX_BYTES)}`, {
          file: shown,
          remedy: 'Use the command line (import), and drop the corpus on the page',
        });
      if (file.size !== undefined && file.size > MAX_BYTES) throw tooLarge(formatBytes(file.size));
      const limit = { bytes: MAX_BYTES, error: () => tooLarge('more bytes') };
      return bytesSource(shown, await (await open(name)).read(file, onProgress, limit));
    },
    async forget() {
      repositories.clear();
      await caches.delete(CACHE).catch(() => false);
    },
  };
}
