/** The Hugging Face hub as every host sees it: how repositories are named and how their files are listed. */
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';

/** A repository on the hub, at a branch, tag or commit. */
export interface HubName {
  /** `ORG/NAME`. */
  readonly id: string;
  readonly revision: string;
  /** Default: a model. */
  readonly kind?: 'model' | 'dataset' | undefined;
}

/** What a repository is, in messages. */
export function kindName({ kind }: Pick<HubName, 'kind'>): string {
  return kind === 'dataset' ? 'data set' : 'model';
}

/** Reads `ORG/NAME` or `ORG/NAME@REVISION`; undefined if it is neither. */
export function parseHubName(model: string): HubName | undefined {
  const [, id = '', revision = 'main'] = /^([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(model) ?? [];
  const odd = (part: string): boolean => /^$|^\.|\.\.|\/\/|^\/|\/$/.test(part);
  return id.split('/').some(odd) || odd(revision) ? undefined : { id, revision };
}

/** One file of a repository, as the hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly size: number | undefined;
  /** Hex. Large files have a SHA-256 (LFS), small ones the SHA-1 that git names them by; a mirror may know neither. */
  readonly sha256: string | undefined;
  readonly gitSha1: string | undefined;
}

/** Whether a path stays inside its repository and means the same on every disk. */
export function isPlainPath(path: string): boolean {
  return !/[\\:\0]/.test(path) && !path.split('/').some((part) => /^\.{0,2}$/.test(part));
}

export interface HubListing {
  /** The commit of the revision. */
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** As its card states it. */
  readonly license?: string | undefined;
}

/** @throws InputError if it is no listing. */
export function parseListing(text: string, url: URL): HubListing {
  let listing: unknown;
  try {
    listing = JSON.parse(text);
  } catch {
    throw malformedListing(url);
  }
  const commit = field(listing, 'sha');
  const siblings = field(listing, 'siblings');
  if (typeof commit !== 'string' || !/^[0-9a-f]{40}$/.test(commit) || !Array.isArray(siblings))
    throw malformedListing(url);
  const files = (siblings as readonly unknown[]).map((sibling): HubFile => {
    const path = field(sibling, 'rfilename');
    const size = field(sibling, 'size');
    if (typeof path !== 'string') throw malformedListing(url);
    return {
      path,
      size: typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined,
      sha256: hex(field(field(sibling, 'lfs'), 'sha256'), 64),
      gitSha1: hex(field(sibling, 'blobId'), 40),
    };
  });
  return { commit, files, license: licenseOf(field(field(listing, 'cardData'), 'license')) };
}

/** Cards state one license or several. */
function licenseOf(stated: unknown): string | undefined {
  const names = (Array.isArray(stated) ? (stated as readonly unknown[]) : [stated]).filter(
    (name) => typeof name === 'string',
  );
  return names.length === 0 ? undefined : names.join(', ');
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? own(value as Record<string, unknown>, key) : undefined;
}

function hex(value: unknown, digits: number): string | undefined {
  return typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value)
    ? value
    : undefined;
}

/** The error of an endpoint that is something else. */
export function malformedListing(url: URL): InputError {
  return new InputError(`${url.host} does not respond like the Hugging Face hub`, {
    remedy: 'Fix the address of the hub (HF_ENDPOINT, or --hub of import, on the command line)',
  });
}
