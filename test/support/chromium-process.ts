/** A Chromium with a profile on the disk, as users have it (Playwright's own contexts keep their data in memory). */
import { spawn } from 'node:child_process';
import { chromium, type Page } from 'playwright';
import { onTestFinished } from 'vitest';
import { chromiumArguments, testChromium } from '../../scripts/chromium.mjs';
import { findChromium } from '../../src/host/node/machine.ts';

export const chromiumPath = testChromium(findChromium());

/** Why tests that start a browser are skipped; undefined where there is one. */
export const noChromium = chromiumPath === undefined ? 'no Chromium; CHROMIUM_PATH names one' : undefined;

/**
 * Makes Chromium keep IndexedDB in SQLite, as it is to do by itself one day, in place of LevelDB. A version that does
 * not know the switch goes on with LevelDB.
 */
export const SQLITE_SWITCH = '--enable-features=IdbSqliteBackingStore,IdbSqliteOnDiskRollout';

/** Makes it keep to LevelDB, when SQLite has become its habit. */
export const LEVELDB_SWITCH = '--disable-features=IdbSqliteBackingStore,IdbSqliteOnDiskRollout';

export interface ChromiumProcess {
  /** Opens a page and waits until `tested` is there. */
  open(url: string): Promise<Page>;
  newPage(): Promise<Page>;
  /** SIGKILL for the browser and all its processes at once; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts Chromium on a profile; it is killed when the test ends, if not before. */
export async function startChromium(
  profile: string,
  extraArguments: readonly string[] = [],
): Promise<ChromiumProcess> {
  if (chromiumPath === undefined) throw new Error('there is no Chromium');
  const child = spawn(
    chromiumPath,
    [
      '--headless=new',
      ...chromiumArguments(),
      ...extraArguments,
      `--user-data-dir=${profile}`,
      '--remote-debugging-port=0',
      '--no-first-run',
      'about:blank',
    ],
    // A group of its own, so that a kill reaches all its processes.
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const kill = async (): Promise<void> => {
    // Once it has ended, its number may be another's.
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      process.kill(-child.pid, 'SIGKILL');
    }
    await ended;
  };
  onTestFinished(kill);

  const address = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const [, found] = /DevTools listening on (ws:\S+)/.exec(output) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.on('error', reject);
    child.on('close', () => reject(new Error(`Chromium ended: ${output}`)));
  });
  const browser = await chromium.connectOverCDP(address);
  const newPage = async (): Promise<Page> => {
    const [context] = browser.contexts();
    if (context === undefined) throw new Error('the browser has no profile');
    return context.newPage();
  };
  return {
    newPage,
    async open(url) {
      const page = await newPage();
      await page.goto(url);
      await page.waitForFunction('globalThis.tested !== undefined');
      return page;
    },
    kill,
  };
}
