import type { DatasetName, Datasets } from '../datasets.ts';
import { openFile } from './files.ts';
import { openHub } from './hub.ts';
import { openHubRepository, type HubCacheOptions, type HubRepository } from './hub-repository.ts';

/** Data sets of the Hugging Face hub or a mirror, whose files are kept on disk. */
export function openDatasets(options: HubCacheOptions = {}): Datasets {
  const repositories = new Map<string, HubRepository>();
  const open = async ({ id, revision }: DatasetName): Promise<HubRepository> => {
    const known = repositories.get(`${id}@${revision}`);
    if (known !== undefined) return known;
    const repository = await openHubRepository({ id, revision, kind: 'dataset' }, options);
    for (const name of [revision, repository.listing.commit]) repositories.set(`${id}@${name}`, repository);
    return repository;
  };
  return {
    hub: openHub(options).endpoint,
    list: async (name) => (await open(name)).listing,
    async open(name, file, onProgress) {
      const shown = `${name.id}/${file.path}`;
      const repository = await open(name);
      const source = await openFile(await repository.locate(file, shown, { isChecked: true, onProgress }));
      return { name: shown, size: source.size, stream: (start, end) => source.stream(start, end) };
    },
  };
}
