/** The page as `npm start` builds and serves it, and a browser to open it in. */
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright';
import { afterAll, beforeAll, expect } from 'vitest';
import { buildPageIfStale, pageFolder } from '../../scripts/build-page.mjs';
import { chromiumArguments } from '../../scripts/chromium.mjs';
import { servePage } from '../../scripts/serve-page.mjs';
import { chromiumPath } from './chromium-process.ts';

type Server = Awaited<ReturnType<typeof servePage>>;

/** The built page on a server of its own, for the tests of a block. Built at most once for all files. */
export function servedPage(): { readonly address: string } {
  let server: Server;
  beforeAll(async () => {
    expect(buildPageIfStale()).toBe(true);
    server = await servePage(pageFolder);
  });
  afterAll(() => server.close());
  return {
    get address() {
      return server.address;
    },
  };
}

type PageOptions = Parameters<Browser['newPage']>[0];

/** A browser for the tests of a block. */
export function testBrowser(args: readonly string[] = chromiumArguments()): {
  newPage(options?: PageOptions): Promise<Page>;
  newContext(): Promise<BrowserContext>;
} {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? '', args: [...args] });
  });
  afterAll(() => browser.close());
  return {
    newPage: (options) => browser.newPage(options),
    newContext: () => browser.newContext(),
  };
}
