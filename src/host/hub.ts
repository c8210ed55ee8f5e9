/** The Hugging Face hub, or a mirror with the same paths: what its repositories hold, and their files. */
import type { FetchProgress } from './contract.ts';
import {
  ConnectionError,
  download,
  MemorySink,
  StatusError,
  type DownloadOptions,
  type DownloadSink,
} from './download.ts';
import { InputError } from '../core/errors.ts';
import {
  kindName,
  malformedListing,
  parseListing,
  type HubFile,
  type HubListing,
  type HubName,
} from './hub-listing.ts';

/** How a host asks the hub. */
export interface Hub extends DownloadOptions {
  readonly endpoint: URL;
  /** Asks for an address, from a byte on. */
  readonly request: (url: URL, from: number, signal: AbortSignal) => Promise<Response>;
  /** Remedies for the user. */
  readonly remedies: {
    readonly unreachable: string;
    readonly damaged: string;
    /** After the address where the terms are. */
    readonly gated: string;
    readonly private: string;
    readonly status: string;
  };
  /** Whom the hub refuses a repository whose terms have to be accepted. */
  readonly visitor: string;
}

/** The address of a hub. @throws InputError if it is not an http(s) address */
export function hubEndpoint(text: string, remedy: string): URL {
  const address = text.endsWith('/') ? text : `${text}/`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const usable =
    url && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '' && url.hash === '';
  if (usable) return url;
  throw new InputError(`the hub's address ${JSON.stringify(text)} is not an http(s) address`, { remedy });
}

/** Where a host keeps the listing of a revision. */
export interface ListingCache {
  read(): Promise<Uint8Array | undefined>;
  write(listing: string): Promise<void>;
  /** A listing from somewhere else, where the hub cannot be asked. */
  readonly elsewhere?: () => Promise<HubListing | undefined>;
}

const mostListingBytes = 64 * 1024 * 1024;

/**
 * The files of a repository at its revision. For a commit, whose files never change, and where the hub is silent, from the
 * cache.
 * @throws InputError if it may not be read; ConnectionError
 */
export async function listRepository(
  hub: Hub,
  name: HubName,
  cache: ListingCache,
  offline = false,
): Promise<HubListing> {
  const kept = keptListing(await cache.read());
  if (kept?.commit === name.revision) return kept;
  const other = async (): Promise<HubListing | undefined> => kept ?? (await cache.elsewhere?.());
  let listing: HubListing;
  try {
    if (offline) throw notAsked(name, name.id);
    listing = await fetchListing(hub, name);
  } catch (error) {
    const found = error instanceof ConnectionError ? await other() : undefined;
    if (found === undefined) throw error;
    return found;
  }
  await cache.write(`${JSON.stringify(listing)}\n`);
  return listing;
}

/** Where the hub lists a revision. */
export function listingUrl({ endpoint }: Hub, { id, revision, kind = 'model' }: HubName): URL {
  return new URL(`api/${kind}s/${id}/revision/${encodeURIComponent(revision)}?blobs=true`, endpoint);
}

/** Where the hub has a file of a commit. */
export function hubFileUrl(
  { endpoint }: Pick<Hub, 'endpoint'>,
  { revision: commit, ...name }: HubName,
  path: string,
): URL {
  const segments = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${pagePath(name)}/resolve/${encodeURIComponent(commit)}/${segments}`, endpoint);
}

function pagePath({ id, kind }: Pick<HubName, 'id' | 'kind'>): string {
  return kind === 'dataset' ? `datasets/${id}` : id;
}

/** Whether an error of the hub says that there is no such repository, or none that this visitor may see. */
export function isMissingRepository(error: unknown): boolean {
  if (!(error instanceof InputError) || !(error.cause instanceof StatusError)) return false;
  const { status, code } = error.cause;
  return code !== 'GatedRepo' && code !== 'RevisionNotFound' && (status === 401 || status === 404);
}

/** Fetches one file of a commit: its bytes never change. */
export function fetchHubFile<Result>(
  hub: Hub,
  name: HubName,
  file: HubFile,
  sink: DownloadSink<Result>,
  onProgress: ((progress: FetchProgress) => void) | undefined,
): Promise<Result> {
  const url = hubFileUrl(hub, name, file.path);
  const task = { ...taskOf(hub, url, `${name.id}/${file.path}`), known: file, onProgress };
  return explained(hub, name, download(task, sink), file.path);
}

/** The error where the hub may not be asked. */
export function notAsked(name: Pick<HubName, 'kind'>, file: string): ConnectionError {
  return new ConnectionError(
    `the ${kindName(name)} is not in the cache, and the hub cannot be used offline`,
    {
      file,
      remedy: 'Re-run once online to download it, or use a local folder',
    },
  );
}

async function fetchListing(hub: Hub, name: HubName): Promise<HubListing> {
  const url = listingUrl(hub, name);
  const sink = new MemorySink(undefined, mostListingBytes, () => malformedListing(url));
  const bytes = await explained(hub, name, download(taskOf(hub, url, name.id), sink));
  return parseListing(new TextDecoder().decode(bytes), url);
}

function taskOf({ signal, stallMs, retryMs, endpoint, request, remedies }: Hub, url: URL, file: string) {
  return {
    signal,
    stallMs,
    retryMs,
    file,
    host: endpoint.host,
    remedies,
    request: (from: number, ending: AbortSignal) => request(url, from, ending),
  };
}

/** Adds the remedies to errors of the hub. */
async function explained<T>(
  { endpoint, remedies, visitor }: Hub,
  name: HubName,
  answer: Promise<T>,
  path?: string,
): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { status, code } = error;
    const { host } = endpoint;
    const { id, revision } = name;
    const kind = kindName(name);
    const page = new URL(pagePath(name), endpoint).href;
    const refusal = (problem: string, remedy: string): InputError =>
      new InputError(problem, { file: id, remedy, cause: error });
    if (code === 'GatedRepo' || status === 403)
      throw refusal(
        `${host} does not grant ${visitor} access to this ${kind}`,
        `Accept its terms at ${page}, ${remedies.gated}`,
      );
    if (code === 'RevisionNotFound')
      throw refusal(
        `the ${kind} has no revision ${JSON.stringify(revision)}`,
        `Choose a branch, tag or commit of ${page}`,
      );
    if (path !== undefined && (code === 'EntryNotFound' || status === 404))
      throw refusal(
        `the ${kind} has no file ${path}`,
        `Use a ${kind} with this file; its files are listed at ${page}`,
      );
    if (status === 401 || status === 404)
      throw refusal(`${host} has no such ${kind}, or it is private`, remedies.private);
    throw refusal(`${host} responded with status ${status}`, remedies.status);
  }
}

/** A listing that `listModel` wrote; undefined if there is none or it is damaged. */
function keptListing(bytes: Uint8Array | undefined): HubListing | undefined {
  if (bytes === undefined) return undefined;
  try {
    const listing = JSON.parse(new TextDecoder().decode(bytes)) as HubListing;
    return /^[0-9a-f]{40}$/.test(listing.commit) && Array.isArray(listing.files) ? listing : undefined;
  } catch {
    return undefined;
  }
}
