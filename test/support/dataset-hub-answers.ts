/** What the hub answers to requests for data sets. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

type Content = string | Uint8Array;

export interface DatasetFixture {
  readonly files: Readonly<Record<string, Content>>;
  readonly license?: string | readonly string[];
  /** Instead of the listing and of every file. */
  readonly refusal?: { readonly status: number; readonly code: string };
  /** What is listed instead of the truth, by path. */
  readonly lies?: Readonly<Record<string, { readonly sha256?: string; readonly size?: number }>>;
  /** Whether neither sizes nor hashes are listed, as by a plain mirror. */
  readonly isPlain?: boolean;
}

export type Datasets = Readonly<Record<string, DatasetFixture>>;
/** Answers a request for a file's bytes instead; true if it did. */
export type Misbehavior = (path: string, response: ServerResponse, bytes: Buffer) => boolean;

export const hubCommit = 'c0ffee'.padEnd(40, '0');

/**
 * Answers a request of the hub's paths.
 * @param start the byte that a file is asked from
 */
export function answerAsHub(
  datasets: Datasets,
  path: string,
  start: number,
  response: ServerResponse,
  misbehave?: Misbehavior,
): void {
  // Pages of every site may read what is public.
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'x-error-code');
  response.setHeader('cross-origin-resource-policy', 'cross-origin');
  const [, listed = '', revision = ''] = /^\/api\/datasets\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(path) ?? [];
  const [, stored = '', commit, name = ''] =
    /^\/datasets\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const dataset = datasets[listed || stored];
  const refuse = (status: number, code: string): void => {
    response.writeHead(status, { 'x-error-code': code }).end('{}');
  };
  if (dataset === undefined) {
    // The hub says 401 of what does not exist to those without a token.
    refuse(401, 'RepoNotFound');
    return;
  }
  if (dataset.refusal !== undefined) {
    refuse(dataset.refusal.status, dataset.refusal.code);
    return;
  }
  if (listed !== '') {
    if (['main', 'refs/convert/parquet', hubCommit].includes(revision))
      response.writeHead(200, { 'content-type': 'application/json' }).end(listing(dataset));
    else refuse(404, 'RevisionNotFound');
    return;
  }
  const content = dataset.files[name];
  if (content === undefined || commit !== hubCommit) {
    refuse(404, 'EntryNotFound');
    return;
  }
  const bytes = Buffer.from(content);
  if (misbehave?.(name, response, bytes) === true) return;
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': bytes.length - start,
    ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  });
  response.end(bytes.subarray(start));
}

export function sha256(content: Content): string {
  return createHash('sha256').update(content).digest('hex');
}

export function gitSha1(content: Content): string {
  const bytes = Buffer.from(content);
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function listing({ files, license, lies = {}, isPlain = false }: DatasetFixture): string {
  const siblings = Object.entries(files).map(([rfilename, content]) => {
    if (isPlain) return { rfilename };
    const size = Buffer.from(content).length;
    const lfs = /\.(parquet|zip|gz)$/.test(rfilename) && {
      lfs: { sha256: lies[rfilename]?.sha256 ?? sha256(content) },
    };
    return { rfilename, size: lies[rfilename]?.size ?? size, blobId: gitSha1(content), ...lfs };
  });
  return JSON.stringify({ sha: hubCommit, siblings, cardData: { license } });
}
