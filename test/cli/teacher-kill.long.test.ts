/**
 * `kill -9` of `filter --teacher` at random moments of its scoring, repeated until it gets through: every score of a
 * finished batch is kept, none is computed again. KILL_TRIALS=10 for more than a sample.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { RandomStream } from '../../src/core/random.ts';
import { runCli } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';

const TRIALS = Number(process.env.KILL_TRIALS ?? 2);
/** Of one commit. */
const BATCH = 256;
const LISTS = 300;
const PAIRS = LISTS * 20;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'studio-teacher-kill-'));
  writeFileSync(join(folder, 'lists.jsonl'), listFile(LISTS));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Lists of 20 passages, no two pairs alike. */
function listFile(count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const documents = Array.from({ length: 20 }, (_, j) => ({
      id: `d${i}-${j}`,
      text: `passage ${i * 20 + j} of heat and water in the cell ${'of a bone '.repeat(j % 4)}`,
      source: 'bm25',
      label: j === 0 ? 1 : 0,
    }));
    return `${JSON.stringify({ query_id: `q${i}`, query: `what is ${i}`, documents })}\n`;
  }).join('');
}

function command(store: string, lists: string, out: string): string[] {
  return [
    ...['filter', '--lists', join(folder, lists), '--out', join(folder, out)],
    ...['--teacher', tinyModel('tiny-cross-encoder'), '--store', join(folder, store), '--threads', '1'],
  ];
}

/** The pairs whose scores are stored, batch by batch. */
async function storedPairs(name: string): Promise<readonly (readonly string[])[]> {
  const place = join(folder, name);
  // Opening a store where there is none makes one, which is for the program to do.
  if (!existsSync(join(place, 'store.json'))) return [];
  const store = await FolderStore.open(place);
  try {
    const batches: (readonly string[])[] = [];
    for (const namespace of await store.namespaces()) {
      if (!namespace.startsWith('scores-')) continue;
      for (const key of await store.keys(namespace)) {
        const value = (await store.get(namespace, key))?.value as { readonly pairs: readonly string[] };
        batches.push(value.pairs);
      }
    }
    return batches;
  } finally {
    await store.close();
  }
}

/** Resolves when so many batches are stored. Reading disturbs nobody who writes. */
async function untilStored(name: string, batches: number): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await storedPairs(name)).length < batches) {
    if (performance.now() > deadline) throw new Error('nothing is scored');
    await sleep(20);
  }
}

const scores = (out: string): (number | undefined)[] =>
  readFileSync(join(folder, out), 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((line) => (JSON.parse(line) as ListRecord).documents.map(({ teacher }) => teacher));

it(
  `keeps every finished score over ${TRIALS} kills, and computes none of them again`,
  async () => {
    const unbroken = await runCli(command('unbroken', 'lists.jsonl', 'unbroken.jsonl'));
    expect(unbroken.code, unbroken.stderr).toBe(0);
    const random = new RandomStream(20261121, 'teacher kills');
    const kept: number[] = [];
    for (let trial = 0; trial < TRIALS; trial++) {
      const before = await storedPairs('broken');
      const scoring = startCli(command('broken', 'lists.jsonl', 'broken.jsonl'));
      await untilStored('broken', before.length + 1 + random.integer(4));
      await sleep(random.uniform() * 30);
      const { signal } = await scoring.kill();
      expect(signal, 'the scoring ended before it was killed: give it more lists').toBe('SIGKILL');
      const after = await storedPairs('broken');
      expect(after.length).toBeGreaterThan(before.length);
      kept.push(after.flat().length);
    }
    expect(existsSync(join(folder, 'broken.jsonl'))).toBe(false);

    const last = await runCli(command('broken', 'lists.jsonl', 'broken.jsonl'));
    expect(last.code, last.stderr).toBe(0);
    expect(last.stderr).toContain(`: ${kept.at(-1)} pairs cached`);
    // Each pair stands in one batch, and the batches are those of an unbroken scoring: what was kept was not redone.
    const batches = await storedPairs('broken');
    expect(batches.flat()).toHaveLength(PAIRS);
    expect(new Set(batches.flat()).size).toBe(PAIRS);
    expect(batches.length).toBe(
      Math.ceil(PAIRS / 1024) * (1024 / BATCH) - Math.floor((1024 - (PAIRS % 1024)) / BATCH),
    );
    expect(scores('broken.jsonl')).toEqual(scores('unbroken.jsonl'));

    // More lists: only what is new is scored.
    writeFileSync(join(folder, 'more.jsonl'), listFile(LISTS + 10));
    const more = await runCli(command('broken', 'more.jsonl', 'more.jsonl.out'));
    expect(more.stderr).toContain(`: ${PAIRS} pairs cached`);
    expect((await storedPairs('broken')).flat()).toHaveLength(PAIRS + 200);
    expect(scores('more.jsonl.out').slice(0, PAIRS)).toEqual(scores('unbroken.jsonl'));
    if (process.env.KILL_TRIALS !== undefined) console.log(JSON.stringify({ pairs: PAIRS, kept }));
  },
  60_000 + TRIALS * 20_000,
);
