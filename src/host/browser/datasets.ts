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

/** Data sets of the Hugging Face hub, whose files are kept in a cache of the browser. */
export function openDatasets(options: HubCacheOptions): Datasets {
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
      if (file.size !== undefined && file.size > MAX_BYTES) {
        throw new InputError(
          `has ${formatBytes(file.size)}, but the limit in a page is ${formatBytes(MAX_BYTES)}`,
          {
            file: shown,
            remedy: 'Use the command line (import), and drop the corpus on the page',
          },
        );
      }
      return bytesSource(shown, await (await open(name)).read(file, onProgress));
    },
  };
}
