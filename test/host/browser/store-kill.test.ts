/**
 * `kill -9` of a real browser that saves checkpoints, at random moments, on both kinds of file that Chromium keeps
 * IndexedDB in: KILL_TRIALS=10 for more than a sample.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RandomStream } from '../../../src/host/random.ts';
import { chromiumPath, SQLITE_SWITCH, startChromium } from '../../support/chromium-process.ts';
import { startModuleServer, type ModuleServer } from '../../support/module-server.ts';

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

describe.skipIf(chromiumPath === undefined)(
  'the store of a browser (skipped where there is no Chromium)',
  () => {
    it.each([
      ['LevelDB', []],
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
          console.log({
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
  },
);
