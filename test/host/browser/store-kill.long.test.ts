/**
 * `kill -9` of a real browser that saves checkpoints, at random moments, on both kinds of file that Chromium keeps
 * IndexedDB in: KILL_TRIALS=10 for more than a sample.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RandomStream } from '../../../src/core/random.ts';
import { noChromium, LEVELDB_SWITCH, SQLITE_SWITCH, startChromium } from '../../support/chromium-process.ts';
import { startModuleServer, type ModuleServer } from '../../support/module-server.ts';
import { describeUnless } from '../../support/skip.ts';

const TRIALS = Number(process.env.KILL_TRIALS ?? 2);

let folder: string;
let server: ModuleServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kill-browser-'));
  server = await startModuleServer(join(folder, 'vite'));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describeUnless(noChromium, 'the store of a browser', () => {
  it.each([
    ['LevelDB', [LEVELDB_SWITCH]],
    ['SQLite', [SQLITE_SWITCH]],
  ])(
    `survives ${TRIALS} kills on %s`,
    async (backend, switches) => {
      const random = new RandomStream(20261122, backend);
      const profile = join(folder, backend);
      let acknowledged = 0;
      let unacknowledged = 0;
      let leftovers = 0;
      let milliseconds = 0;
      for (let trial = 0; trial < TRIALS; trial++) {
        const training = await startChromium(profile, switches);
        const page = await training.open(server.pageOf('/test/host/browser/store-page.ts'));
        let first: () => void = () => undefined;
        const begun = new Promise<void>((resolve) => (first = resolve));
        await page.exposeFunction('acknowledge', (step: number) => {
          acknowledged = step;
          first();
        });
        // Ends with the browser.
        page.evaluate('tested.train()').catch(() => undefined);
        // Now and then it dies while it opens the store.
        if (trial % 5 !== 4) await begun;
        await sleep(random.uniform() * 400);
        await training.kill();

        const reopened = await startChromium(profile, switches);
        const startedAt = performance.now();
        const check = await reopened.open(server.pageOf('/test/host/browser/store-page.ts'));
        const found = await check.evaluate<{ latest: number; leftovers: number; problems: string[] }>(
          'tested.inspect()',
        );
        milliseconds = Math.max(milliseconds, performance.now() - startedAt);
        expect(found.problems).toEqual([]);
        expect([acknowledged, acknowledged + 1]).toContain(found.latest);
        if (found.latest > acknowledged) unacknowledged++;
        acknowledged = found.latest;
        leftovers += found.leftovers;
        await reopened.kill();
      }
      expect(acknowledged).toBeGreaterThan(TRIALS / 2);
      const files = readdirSync(join(profile, 'Default', 'IndexedDB'));
      expect(files.some((file) => file.endsWith('.leveldb'))).toBe(backend === 'LevelDB');
      if (process.env.KILL_TRIALS) {
        const browser = await startChromium(profile, switches);
        const page = await browser.open(server.pageOf('/test/host/browser/store-page.ts'));
        console.log({
          milliseconds: await page.evaluate('tested.measure()'),
          backend,
          kills: TRIALS,
          saves: acknowledged,
          cameThroughUnacknowledged: unacknowledged,
          leftovers,
          slowestReopening: Math.round(milliseconds),
        });
      }
    },
    60_000 + TRIALS * 20_000,
  );

  it('says what is damaged where a file that the browser kept is gone', async () => {
    const profile = join(folder, 'lost-file');
    const address = server.pageOf('/test/host/browser/store-page.ts');
    const browser = await startChromium(profile, [LEVELDB_SWITCH]);
    await (await browser.open(address)).evaluate('tested.store(5_000_000)');
    await browser.kill();
    const kept = join(profile, 'Default', 'IndexedDB');
    const blobs = readdirSync(kept, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.includes('.indexeddb.blob') && statSync(join(kept, name)).isFile(),
    );
    expect(blobs.length).toBeGreaterThan(0);
    for (const name of blobs) rmSync(join(kept, name));
    const reopened = await startChromium(profile, [LEVELDB_SWITCH]);
    const page = await reopened.open(address);
    await expect(page.evaluate('tested.readStored()')).rejects.toThrow(
      /StoreCorruptionError: blob [0-9a-f]{64} is damaged/,
    );
    // Written again, it is whole.
    await page.evaluate('tested.store(5_000_000)');
    expect(await page.evaluate('tested.readStored()')).toBe(5_000_000);
  });
});
