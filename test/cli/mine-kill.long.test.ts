/**
 * `kill -9` of `mine --model` at random moments of its embedding, repeated until it gets through: every part that the
 * store has is kept, none is embedded again, and the lists are those of an unbroken run. KILL_TRIALS=10 for more than a
 * sample.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { FolderStore } from '../../src/host/node/store.ts';
import { RandomStream } from '../../src/core/random.ts';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';

const TRIALS = Number(process.env.KILL_TRIALS ?? 2);
/** Texts that are embedded together. */
const CHUNK = 1024;
/** Enough for the kills to come before the end. */
const PASSAGES = (4 + 4 * TRIALS) * CHUNK + 7;

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

const collection = {
  documents: Object.fromEntries(
    numbers(PASSAGES).map((i) => [
      `d${i}`,
      ['', `passage ${i} of heat and water in the cell ${'of a bone '.repeat(i % 9)}`] as const,
    ]),
  ),
  queries: Object.fromEntries(numbers(50).map((i) => [`q${i}`, `what is ${i * 7} in the bone`])),
  judgments: { train: numbers(50).map((i) => [`q${i}`, `d${i * 7}`, 1] as const) },
};

/** The passages whose vectors are stored. */
async function storedPassages(place: string): Promise<number> {
  // Opening a store where there is none makes one, which is for the program to do.
  if (!existsSync(join(place, 'store.json'))) return 0;
  const store = await FolderStore.open(place);
  try {
    let stored = 0;
    for (const namespace of await store.namespaces()) {
      if (!namespace.startsWith('vectors-')) continue;
      for (const key of await store.keys(namespace)) {
        stored += ((await store.get(namespace, key))?.value as { readonly count: number }).count;
      }
    }
    return stored;
  } finally {
    await store.close();
  }
}

/** Resolves when so many are stored. Reading disturbs nobody who writes. */
async function untilStored(place: string, passages: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await storedPassages(place)) < passages) {
    if (performance.now() > deadline) throw new Error('nothing is embedded');
    await sleep(20);
  }
}

it(
  `goes on after each of ${TRIALS} kills with the passage that it was at, and mines the same`,
  async () => {
    const corpus = writeCollection(collection);
    const folder = temporaryFolder();
    const store = (name: string): string => join(folder, name, 'store');
    const out = (name: string): string => join(folder, `${name}.jsonl`);
    const command = (name: string): string[] => [
      ...['mine', '--corpus', corpus, '--model', tinyModel('tiny-bert'), '--out', out(name)],
      ...['--store', store(name), '--checkpoint-seconds', '0', '--threads', '1'],
    ];
    const unbroken = await runCli(command('unbroken'));
    expect(unbroken.code, unbroken.stderr).toBe(0);
    expect(unbroken.stderr).not.toContain('cached');
    const random = new RandomStream(20261121, 'mining kills');
    const kept: number[] = [0];
    for (let trial = 0; trial < TRIALS; trial++) {
      const before = kept.at(-1) ?? 0;
      const mining = startCli(command('broken'));
      await untilStored(store('broken'), before + CHUNK * (1 + random.integer(2)));
      await sleep(random.uniform() * 30);
      const { signal } = await mining.kill();
      expect(signal, 'the mining ended before it was killed: give it more passages').toBe('SIGKILL');
      if (before > 0) expect(mining.stderr()).toContain(`${before} passages cached`);
      kept.push(await storedPassages(store('broken')));
    }
    expect(existsSync(out('broken'))).toBe(false);

    const last = await runCli(command('broken'));
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toContain(`${kept.at(-1)} passages cached`);
    expect(readFileSync(out('broken'), 'utf8')).toBe(readFileSync(out('unbroken'), 'utf8'));
    // Nobody needs them any more.
    expect(await storedPassages(store('broken'))).toBe(0);
    if (process.env.KILL_TRIALS !== undefined) console.log(JSON.stringify({ passages: PASSAGES, kept }));
  },
  60_000 + TRIALS * 20_000,
);
