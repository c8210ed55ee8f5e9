/** What a page does in the tests that kill its browser or fill its storage. */
import type { BlobReference, StoreWriter } from '../../../src/host/contract.ts';
import { IndexedDbStore } from '../../../src/host/browser/store.ts';
import { messageOf } from '../../../src/core/errors.ts';

/** What Playwright puts into the page. */
declare const acknowledge: (step: number) => Promise<void>;

const FROZEN = pseudoRandom(0, 50_000);
/** Every third step more than a shard, so that a kill may fall between two transactions of a blob. */
const weights = (step: number): Uint8Array => pseudoRandom(step, step % 3 === 0 ? 9_000_000 : 200_000);

const problems: string[] = [];
const open = (): Promise<IndexedDbStore> =>
  IndexedDbStore.open({ report: (problem) => problems.push(problem) });

/** Saves checkpoints for ever, keeping the last two, and tells of each that is saved. */
export async function train(): Promise<never> {
  const store = await open();
  const writer = await store.openWriter('training');
  let step = ((await store.get('training', 'latest'))?.value ?? 0) as number;
  for (;;) {
    step++;
    const blobs = [await store.writeBlob(FROZEN), await store.writeBlob(weights(step))];
    await writer.commit({
      put: { [keyOf(step)]: { value: { step }, blobs }, latest: { value: step, blobs: [] } },
      delete: [keyOf(step - 2)],
    });
    await acknowledge(step);
    await store.sweep();
  }
}

/** @returns the latest step saved, how many leftovers of dead tabs were found, and what is not as it should be. */
export async function inspect(): Promise<{ latest: number; leftovers: number; problems: string[] }> {
  const leftovers = await count('pins');
  const store = await open();
  const latest = ((await store.get('training', 'latest'))?.value ?? 0) as number;
  const expected = [latest - 1, latest].filter((step) => step > 0);
  const keys = await store.keys('training');
  const wanted = [...expected.map(keyOf), ...(latest > 0 ? ['latest'] : [])];
  if (JSON.stringify(keys) !== JSON.stringify(wanted)) problems.push(`records ${keys.join(', ')}`);
  for (const step of expected) {
    const record = await store.get('training', keyOf(step));
    for (const [i, content] of [FROZEN, weights(step)].entries()) {
      const blob = record?.blobs[i];
      const bytes = blob && (await store.readBlob(blob));
      if (bytes?.length !== content.length || !bytes.every((byte, at) => byte === content[at])) {
        problems.push(`blob ${i} of step ${step} is another`);
      }
    }
  }
  if ((await count('pins')) > 0) problems.push('pins of dead sessions are left');
  const freed = await store.sweep();
  if (freed > 0 && leftovers > 0) problems.push(`${freed} bytes of dead sessions were left`);
  await store.close();
  return { latest, leftovers, problems };
}

/** Stores checkpoints of 300 kB until there is no room. */
export async function fill(): Promise<{ saved: number; whole: number; message: string; freed: number }> {
  const store = await open();
  const writer = await store.openWriter('training');
  let saved = 0;
  let message = '';
  while (message === '' && saved < 30) {
    try {
      const blob = await store.writeBlob(pseudoRandom(saved, 300_000));
      await writer.commit({ put: { [`n${saved}`]: { value: saved, blobs: [blob] } } });
      saved++;
    } catch (error) {
      message = messageOf(error);
    }
  }
  let whole = 0;
  for (const key of await store.keys('training')) {
    const record = await store.get('training', key);
    const blob = record?.blobs[0];
    if (blob && (await store.readBlob(blob)).length === 300_000) whole++;
  }
  // Deleting needs no room; afterwards all goes on.
  await writer.commit({ delete: await store.keys('training') });
  const freed = await store.sweep();
  await writer.commit({ put: { again: { value: 1, blobs: [await store.writeBlob(weights(1))] } } });
  await store.close();
  return { saved, whole, message, freed };
}

/** A session of writes, of 28 MB if there is room. @returns how far it came and what is not as it should be. */
export async function fillInSteps(): Promise<{ finished: boolean; problems: string[] }> {
  let acknowledged = 0;
  let message = '';
  let store: IndexedDbStore | undefined;
  let writer: StoreWriter | undefined;
  try {
    store = await open();
    writer = await store.openWriter('training');
    for (let step = 1; step <= 3; step++) {
      const blobs = [
        await store.writeBlob(pseudoRandom(step, 9_000_000)),
        await store.writeBlob(pseudoRandom(step, 300_000)),
      ];
      await writer.commit({ put: { latest: { value: step, blobs } } });
      acknowledged = step;
    }
  } catch (error) {
    message = messageOf(error);
    if (!message.startsWith("the browser's storage for this page is full")) problems.push(message);
  }
  if (store && writer) {
    const latest = await store.get('training', 'latest');
    if ((latest?.value ?? 0) !== acknowledged)
      problems.push('the latest commit is another than the last acknowledged');
    for (const blob of latest?.blobs ?? []) await store.readBlob(blob);
    await writer.commit({ delete: ['latest'] });
    await store.close();
    const next = await open();
    await next.sweep();
    await next.close();
    if ((await count('shards')) > 0) problems.push('shards are left');
  }
  return { finished: message === '', problems };
}

/** Stores so many bytes in one commit. */
export async function store(bytes: number): Promise<void> {
  const opened = await open();
  const writer = await opened.openWriter('training');
  await writer.commit({ put: { a: { value: 1, blobs: [await opened.writeBlob(pseudoRandom(1, bytes))] } } });
  await opened.close();
}

/** How many bytes {@link store} has stored. */
export async function readStored(): Promise<number> {
  const opened = await open();
  try {
    const blob = (await opened.get('training', 'a'))?.blobs[0];
    return blob ? (await opened.readBlob(blob)).length : 0;
  } finally {
    await opened.close();
  }
}

/** Milliseconds: of a small commit (median of 51), and to save and load a checkpoint of 34 shards of 8 MB, thrice. */
export async function measure(): Promise<{ commit: number; save: number[]; load: number[] }> {
  const opened = await open();
  const writer = await opened.openWriter('measured');
  const commits: number[] = [];
  for (let n = 0; n < 51; n++) {
    commits.push(await timed(() => writer.commit({ put: { small: { value: n, blobs: [] } } })));
  }
  const save: number[] = [];
  const load: number[] = [];
  for (let repeat = 0; repeat < 3; repeat++) {
    const shards = Array.from({ length: 34 }, (_, i) => pseudoRandom(repeat * 100 + i, 8_000_000));
    const blobs: BlobReference[] = [];
    save.push(
      await timed(async () => {
        for (const shard of shards) blobs.push(await opened.writeBlob(shard));
        await writer.commit({ put: { large: { value: repeat, blobs } } });
      }),
    );
    load.push(
      await timed(async () => {
        for (const blob of blobs) await opened.readBlob(blob);
      }),
    );
    await opened.sweep();
  }
  await writer.commit({ delete: ['small', 'large'] });
  await opened.close();
  return { commit: commits.sort((a, b) => a - b)[25] ?? NaN, save, load };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function keyOf(step: number): string {
  return `checkpoint/${String(step).padStart(6, '0')}`;
}

/** Bytes that are a function of the seed (xorshift32), and that no compression makes smaller. */
function pseudoRandom(seed: number, length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed + 1) * 2654435761;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** Looks past the store; before it is made there is nothing. */
async function count(table: string): Promise<number> {
  const known = await indexedDB.databases();
  if (!known.some(({ name }) => name === 'retriever-studio')) return 0;
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('retriever-studio');
    opening.onerror = () => reject(new Error('the database does not open'));
    opening.onsuccess = () => {
      const database = opening.result;
      if (!database.objectStoreNames.contains(table)) {
        database.close();
        resolve(0);
        return;
      }
      const request = database.transaction(table).objectStore(table).count();
      request.onsuccess = () => {
        database.close();
        resolve(request.result);
      };
      request.onerror = () => reject(new Error('the table cannot be counted'));
    };
  });
}
