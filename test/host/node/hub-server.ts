import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServerFile {
  readonly bytes: Buffer;
  /** Large files carry a SHA-256, as with LFS, and lie behind a redirect. */
  readonly lfs: boolean;
}

/** What the server does to one answer instead of the right thing; undefined does the right thing. */
export type Misbehavior = (
  request: IncomingMessage,
  response: ServerResponse,
  file: ServerFile | undefined,
) => boolean;

/** A server with the hub's paths, on this machine, that can be told to misbehave. */
export class HubServer {
  port = 0;
  readonly commit = 'c0ffee'.padEnd(40, '0');
  readonly files = new Map<string, ServerFile>();
  readonly requests: {
    readonly path: string;
    readonly host: string;
    readonly headers: IncomingMessage['headers'];
  }[] = [];
  /** One per request of a file's bytes, first to last; then the server behaves. */
  misbehaviors: Misbehavior[] = [];
  /** What the listing says instead of the truth, by path. */
  readonly lies = new Map<string, { size?: number; sha256?: string; blobId?: string }>();
  listingStatus: { status: number; code?: string } = { status: 200 };
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  add(path: string, bytes: Buffer | string, lfs = false): void {
    this.files.set(path, { bytes: Buffer.from(bytes), lfs });
  }

  /** The requests for a file's bytes, by the Range that they asked for. */
  ranges(path: string): (string | undefined)[] {
    return this.requests.filter((each) => each.path === `/cdn/${path}`).map(({ headers }) => headers.range);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname);
    this.requests.push({ path, host: request.headers.host ?? '', headers: request.headers });
    if (path.startsWith('/api/models/org/model/revision/')) {
      this.#list(response, path.slice(31));
      return;
    }
    const resolve = `/org/model/resolve/${this.commit}/`;
    if (path.startsWith(resolve)) {
      const name = path.slice(resolve.length);
      const file = this.files.get(name);
      if (!file) return void response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
      if (file.lfs) {
        // Another origin: the same server under its other name.
        return void response.writeHead(302, { location: `http://localhost:${this.port}/cdn/${name}` }).end();
      }
      return void response.writeHead(307, { location: `/cdn/${name}` }).end();
    }
    if (path.startsWith('/cdn/')) {
      this.#send(request, response, this.files.get(path.slice(5)));
      return;
    }
    response.writeHead(404, { 'x-error-code': 'RepoNotFound' }).end();
  }

  #list(response: ServerResponse, revision: string): void {
    const { status, code } = this.listingStatus;
    if (status !== 200)
      return void response.writeHead(status, code ? { 'x-error-code': code } : {}).end('{}');
    if (revision !== 'main' && revision !== 'refs/pr/1' && revision !== this.commit) {
      return void response.writeHead(404, { 'x-error-code': 'RevisionNotFound' }).end();
    }
    const siblings = [...this.files].map(([rfilename, { bytes, lfs }]) => {
      const lie = this.lies.get(rfilename);
      const blobId =
        lie?.blobId ?? createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      const sha256 = lie?.sha256 ?? createHash('sha256').update(bytes).digest('hex');
      return { rfilename, size: lie?.size ?? bytes.length, blobId, ...(lfs ? { lfs: { sha256 } } : {}) };
    });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ sha: this.commit, siblings }));
  }

  #send(request: IncomingMessage, response: ServerResponse, file: ServerFile | undefined): void {
    const misbehave = this.misbehaviors.shift();
    if (misbehave?.(request, response, file)) return;
    if (!file) return void response.writeHead(404).end();
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = file.bytes.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': rest.length,
      ...(start > 0
        ? { 'content-range': `bytes ${start}-${file.bytes.length - 1}/${file.bytes.length}` }
        : {}),
    });
    response.end(rest);
  }
}
