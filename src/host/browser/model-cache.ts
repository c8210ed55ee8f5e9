import { isQuotaError } from './storage-space.ts';

/**
 * Downloads kept for the next time, by address, in the browser's cache for pages. The browser may drop them; nothing
 * depends on them.
 */
export class ModelCache {
  readonly #name: string;
  readonly #report: (problem: string) => void;

  /** @param report Told in one line if something could not be kept. */
  constructor(name: string, report: (problem: string) => void) {
    this.#name = name;
    this.#report = report;
  }

  async get(url: URL): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const response = await (await caches.open(this.#name)).match(url);
      return response && new Uint8Array(await response.arrayBuffer());
    } catch {
      // Not cached, lost, or inaccessible to the page: fetched again.
      return undefined;
    }
  }

  async put(url: URL, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await (await caches.open(this.#name)).put(url, new Response(bytes));
    } catch (error) {
      this.#report(
        isQuotaError(error)
          ? `The browser's storage for this page is full: ${url.pathname} will be downloaded again next time`
          : `The browser did not cache ${url.pathname}, which will be downloaded again next time`,
      );
    }
  }
}
