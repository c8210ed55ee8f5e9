/** The site's storage is full at any moment, made so through Chromium's own means, on both of its kinds of file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  noChromium,
  LEVELDB_SWITCH,
  SQLITE_SWITCH,
  startChromium,
  type ChromiumProcess,
} from '../../support/chromium-process.ts';
import { startModuleServer, type ModuleServer } from '../../support/module-server.ts';
import { describeUnless } from '../../support/skip.ts';

let folder: string;
let server: ModuleServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'full-browser-'));
  server = await startModuleServer(join(folder, 'vite'));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * Opens the page as a site of its own that may store so many bytes. The limit must stand before the database is opened:
 * Chromium remembers for a while how much room it had.
 */
async function openPage(browser: ChromiumProcess, bytes: number): Promise<Page> {
  const page = await browser.open(
    server.pageOf('/test/host/browser/store-page.ts', `limit-${bytes}.localhost`),
  );
  const session = await page.context().newCDPSession(page);
  await session.send('Storage.overrideQuotaForOrigin', {
    origin: new URL(page.url()).origin,
    quotaSize: bytes,
  });
  return page;
}

const backends: [string, string[]][] = [
  ['LevelDB', [LEVELDB_SWITCH]],
  ['SQLite', [SQLITE_SWITCH]],
];
describeUnless(noChromium, 'a full storage', () => {
  describe.each(backends)('on %s', (backend, switches) => {
    const start = (name: string) => startChromium(join(folder, `${backend}-${name}`), switches);

    it('is told in one line with figures and remedy; all commits are kept; goes on after cleaning up', async () => {
      const page = await openPage(await start('once'), 3_000_000);
      const result = await page.evaluate<{ saved: number; whole: number; message: string; freed: number }>(
        'tested.fill()',
      );
      expect(result.message).toMatch(
        /^the browser's storage for this page is full: 0\.3 MB needed, \d\.\d MB used\. Remove .*; nothing was changed\.$/,
      );
      expect(result.saved).toBeGreaterThan(1);
      expect(result.saved).toBeLessThan(10);
      expect(result.whole).toBe(result.saved);
      expect(result.freed).toBe(result.saved * 300_000);
    });

    it('at any write leaves the commits before it whole and nothing half written', async () => {
      const browser = await start('steps');
      const finished: boolean[] = [];
      for (const megabytes of [0.01, 0.1, 1, 5, 8.7, 9.2, 12, 18.1, 20, 27, 40]) {
        const page = await openPage(browser, megabytes * 1e6);
        const result = await page.evaluate<{ finished: boolean; problems: string[] }>('tested.fillInSteps()');
        expect([megabytes, ...result.problems]).toEqual([megabytes]);
        finished.push(result.finished);
        await page.close();
      }
      expect(finished.indexOf(true)).toBeGreaterThan(6);
      expect(finished.at(-1)).toBe(true);
    });
  });
});
