/** Data sets of a hub, as a host reads them. */
import type { ByteSource } from '../core/source.ts';
import type { FetchProgress } from './contract.ts';
import type { HubFile, HubListing, HubName } from './hub-listing.ts';

export interface Datasets {
  /** The address of the hub. */
  readonly hub: URL;
  /** @throws InputError if it may not be read, {@link isMissingRepository} if there is none; ConnectionError */
  list(name: DatasetName): Promise<HubListing>;
  /**
   * A file of it, fetched unless it is kept, with the size and hash that the hub lists. It is called `ORG/NAME/PATH`.
   * @throws InputError if it is another file; ConnectionError
   */
  open(name: DatasetName, file: HubFile, onProgress?: (progress: FetchProgress) => void): Promise<ByteSource>;
}

export type DatasetName = Pick<HubName, 'id' | 'revision'>;
