import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/host/contract.ts';
import { FolderStore } from '../../src/host/node/store.ts';
import { clearVectors, lastingVectors, type EmbedChunk } from '../../src/retrieval/lasting-vectors.ts';
import { temporaryFolder } from '../support/cli.ts';

const texts = Array.from({ length: 23 }, (_, i) => 'x'.repeat(i));
const vectorsOf = (some: readonly string[]): Float32Array<ArrayBuffer> =>
  Float32Array.from(some.flatMap(({ length }) => [length, 1 / (length + 1), -length]));

let place: string;
let now: number;
/** Goes on by a second with each chunk. */
const clock: Clock = { now: () => now };
beforeEach(() => {
  place = join(temporaryFolder(), 'store');
  now = 0;
});

/** Notes what is embedded, and dies with the call after `calls`. */
function embedder(asked: string[][], calls = Infinity): EmbedChunk {
  let done = 0;
  return (some, onProgress) => {
    if (done++ >= calls) return Promise.reject(new Error('killed'));
    now += 1000;
    asked.push([...some]);
    onProgress(some.length);
    return Promise.resolve(vectorsOf(some));
  };
}

async function run(
  embed: EmbedChunk,
  {
    key = 'encoder',
    seconds = 1,
    onProgress,
  }: { key?: string; seconds?: number; onProgress?: (done: number) => void } = {},
): Promise<Float32Array> {
  const store = await FolderStore.open(place);
  try {
    return await lastingVectors(texts, embed, {
      ...{ store, clock, key, seconds, chunk: 5 },
      ...(onProgress !== undefined && { onProgress }),
    });
  } finally {
    await store.close();
  }
}

describe('vectors that last', () => {
  it.each([0, 1, 2, 3, 4])('go on after a death with chunk %i, and make no chunk again', async (calls) => {
    const asked: string[][] = [];
    await expect(run(embedder(asked, calls))).rejects.toThrow('killed');
    const heard: number[] = [];
    expect(await run(embedder(asked), { onProgress: (done) => heard.push(done) })).toEqual(vectorsOf(texts));
    expect(asked.flat()).toEqual(texts);
    expect(asked).toHaveLength(5);
    expect(heard[0]).toBe(Math.min(5 * calls, 23));
    expect(heard.at(-1)).toBe(23);
  });

  it('lose at most as much as was said: three chunks are one part', async () => {
    const asked: string[][] = [];
    await expect(run(embedder(asked, 4), { seconds: 3 })).rejects.toThrow('killed');
    expect(await run(embedder(asked), { seconds: 3 })).toEqual(vectorsOf(texts));
    // The fourth was made and not kept.
    expect(asked.map(({ length }) => length)).toEqual([5, 5, 5, 5, 5, 3]);
  });

  it('leave nothing in the store where they take less', async () => {
    await run(embedder([]), { seconds: 60 });
    const store = await FolderStore.open(place);
    expect(await store.namespaces()).toEqual([]);
    await store.close();
  });

  it('of another encoder or other texts are others', async () => {
    const asked: string[][] = [];
    await run(embedder(asked));
    await run(embedder(asked), { key: 'another' });
    expect(asked).toHaveLength(10);
  });

  it('are gone when they are cleared', async () => {
    const asked: string[][] = [];
    await run(embedder(asked));
    const store = await FolderStore.open(place);
    await clearVectors(store, 'encoder');
    expect((await Promise.all((await store.namespaces()).map((name) => store.keys(name)))).flat()).toEqual(
      [],
    );
    await store.close();
    await run(embedder(asked));
    expect(asked).toHaveLength(10);
  });

  it('are made to the end by a process that another has taken over from', async () => {
    const store = await FolderStore.open(place);
    const other = await FolderStore.open(place);
    const options = { clock, key: 'encoder', seconds: 0, chunk: 5 };
    let second: Promise<Float32Array> | undefined;
    const inner = embedder([]);
    const first = await lastingVectors(
      texts,
      async (some, onProgress) => {
        const vectors = await inner(some, onProgress);
        if (some[0] === texts[5]) second = lastingVectors(texts, embedder([]), { ...options, store: other });
        await second;
        return vectors;
      },
      { ...options, store },
    );
    expect(first).toEqual(vectorsOf(texts));
    expect(await second).toEqual(first);
    await store.close();
    await other.close();
  });
});
