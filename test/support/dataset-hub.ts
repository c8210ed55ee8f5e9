import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';

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

import { serveUntilEnd } from './local-server.ts';

/** A server with the hub's paths of data sets, on this machine. */
export class DatasetHub {
  static readonly commit = 'c0ffee'.padEnd(40, '0');
  readonly datasets: Readonly<Record<string, DatasetFixture>>;
  /** Paths, with the byte that a file was asked from. */
  readonly requests: string[] = [];
  /** Answers a request for a file's bytes instead; true if it did. */
  misbehave: ((path: string, response: ServerResponse, bytes: Buffer) => boolean) | undefined;
  #address = '';

  private constructor(datasets: Readonly<Record<string, DatasetFixture>>) {
    this.datasets = datasets;
  }

  static async start(datasets: Readonly<Record<string, DatasetFixture>>): Promise<DatasetHub> {
    const hub = new DatasetHub(datasets);
    const server = createServer(({ url = '/', headers }, response) => {
      const path = decodeURIComponent(new URL(url, 'http://x').pathname);
      const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
      hub.requests.push(start > 0 ? `${path} from ${start}` : path);
      hub.#answer(path, start, response);
    });
    hub.#address = (await serveUntilEnd(server)).replace(/\/$/, '');
    return hub;
  }

  get address(): string {
    return this.#address;
  }

  #answer(path: string, start: number, response: ServerResponse): void {
    const [, listed = '', revision = ''] =
      /^\/api\/datasets\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(path) ?? [];
    const [, stored = '', commit, name = ''] =
      /^\/datasets\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const dataset = this.datasets[listed || stored];
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
      if (['main', 'refs/convert/parquet', DatasetHub.commit].includes(revision))
        response.writeHead(200, { 'content-type': 'application/json' }).end(listing(dataset));
      else refuse(404, 'RevisionNotFound');
      return;
    }
    const content = dataset.files[name];
    if (content === undefined || commit !== DatasetHub.commit) {
      refuse(404, 'EntryNotFound');
      return;
    }
    const bytes = Buffer.from(content);
    if (this.misbehave?.(name, response, bytes) === true) return;
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': bytes.length - start,
      ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.end(bytes.subarray(start));
  }
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
  return JSON.stringify({ sha: DatasetHub.commit, siblings, cardData: { license } });
}
