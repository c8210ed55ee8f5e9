/** Stands for the hub in a page: takes the place of `fetch`, and can be told to misbehave. */
const ENDPOINT = 'https://hub.test/';

export type Misbehavior = (file: Uint8Array<ArrayBuffer>, signal: AbortSignal | undefined) => Response;

export class FakeHub {
  readonly endpoint = new URL(ENDPOINT);
  /** Its own for each hub, so that nothing cached is another's. */
  readonly commit = crypto.randomUUID().replaceAll('-', '').padEnd(40, '0');
  readonly files = new Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly large: boolean }>();
  /** What the listing says instead of the truth, by path. */
  readonly lies = new Map<string, { size?: number; lfs?: { sha256: string }; blobId?: string }>();
  /** The paths below the endpoint that were asked for. */
  readonly requests: string[] = [];
  /** One per request of a file, first to last; then it behaves. */
  misbehaviors: Misbehavior[] = [];
  listingAnswer: (() => Response) | undefined;
  offline = false;
  readonly #realFetch = globalThis.fetch;

  start(): void {
    globalThis.fetch = (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input, location.href);
      if (url.origin !== this.endpoint.origin) return this.#realFetch(input, init);
      this.requests.push(decodeURIComponent(url.pathname.slice(1)));
      if (this.offline) return Promise.reject(new TypeError('Failed to fetch'));
      return this.#answer(url, init?.signal ?? undefined);
    };
  }

  stop(): void {
    globalThis.fetch = this.#realFetch;
  }

  add(path: string, content: string | Uint8Array<ArrayBuffer>, large = false): void {
    this.files.set(path, {
      bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content,
      large,
    });
  }

  /** How often a file was asked for. */
  downloads(path: string): number {
    return this.requests.filter((request) => request === `org/model/resolve/${this.commit}/${path}`).length;
  }

  async #answer(url: URL, signal: AbortSignal | undefined): Promise<Response> {
    const path = decodeURIComponent(url.pathname.slice(1));
    if (path.startsWith('api/models/org/model/revision/'))
      return this.listingAnswer?.() ?? this.#listing(path.slice(30));
    const file = this.files.get(path.replace(`org/model/resolve/${this.commit}/`, ''));
    if (!file) return new Response(null, { status: 404, headers: { 'x-error-code': 'EntryNotFound' } });
    const misbehave = this.misbehaviors.shift();
    if (misbehave) return misbehave(file.bytes, signal);
    return new Response(file.bytes, { headers: { 'content-length': String(file.bytes.length) } });
  }

  async #listing(revision: string): Promise<Response> {
    if (!['main', 'refs/pr/1', this.commit].includes(revision)) {
      return new Response(null, { status: 404, headers: { 'x-error-code': 'RevisionNotFound' } });
    }
    const siblings = [];
    for (const [rfilename, { bytes, large }] of this.files) {
      const named = new Uint8Array([...new TextEncoder().encode(`blob ${bytes.length}\0`), ...bytes]);
      const blobId = await hash('SHA-1', named);
      const lfs = large ? { lfs: { sha256: await hash('SHA-256', bytes) } } : {};
      siblings.push({ rfilename, size: bytes.length, blobId, ...lfs, ...this.lies.get(rfilename) });
    }
    return Response.json({ sha: this.commit, siblings });
  }
}

async function hash(algorithm: string, bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
