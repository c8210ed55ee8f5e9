/** What every store promises, whatever keeps it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Json } from '../../src/core/json.ts';
import {
  StoreCorruptionError,
  StoreFencedError,
  type BlobReference,
  type Store,
  type StoreWriter,
} from '../../src/host/contract.ts';
import { InputError } from '../../src/core/errors.ts';
import { RandomStream } from '../../src/core/random.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);
const value = (content: Json, blobs: readonly BlobReference[] = []) => ({ value: content, blobs });

/**
 * @param prepare Called before each test, on an empty place; what it returns opens the store there, as often as asked,
 * as another process or tab would.
 */
export function describeStore(prepare: () => () => Promise<Store>): void {
  let open: () => Promise<Store>;
  beforeEach(() => {
    open = prepare();
  });

  describe('a store', () => {
    it('keeps blobs and records over a reopening', async () => {
      const store = await open();
      const blob = await store.writeBlob(bytes('weights'));
      expect(blob).toEqual({
        bytes: 7,
        sha256: '9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c',
      });
      const writer = await store.openWriter('training');
      await writer.commit({ put: { a: value({ step: 1, list: [true, null, 'ü'] }, [blob]), b: value(2) } });
      await writer.commit({ put: { c: value(3) }, delete: ['b', 'never-there'] });
      await store.close();

      const again = await open();
      expect(await again.keys('training')).toEqual(['a', 'c']);
      expect(await again.get('training', 'a')).toEqual(value({ step: 1, list: [true, null, 'ü'] }, [blob]));
      expect(await again.get('training', 'b')).toBeUndefined();
      expect(text(await again.readBlob(blob))).toBe('weights');
      expect(await again.namespaces()).toEqual(['training']);
      expect(await again.keys('other')).toEqual([]);
      await again.close();
    });

    it('lists namespaces that hold records, and keys, in order', async () => {
      const store = await open();
      for (const name of ['queue', 'a-b', 'a', 'a.b']) {
        const writer = await store.openWriter(name);
        await writer.commit({ put: { z: value(1), 'a/2': value(2), 'a/10': value(3) } });
      }
      await store.openWriter('nothing-yet');
      expect(await store.namespaces()).toEqual(['a', 'a-b', 'a.b', 'queue']);
      expect(await store.keys('a')).toEqual(['a/10', 'a/2', 'z']);
      await store.close();
    });

    it('keeps empty bytes and a view of larger memory', async () => {
      const store = await open();
      const none = await store.writeBlob(new Uint8Array(0));
      const view = await store.writeBlob(Uint8Array.of(1, 2, 3, 4, 5).subarray(1, 3));
      const shared = new Uint8Array(new SharedArrayBuffer(3)).fill(7);
      const copy = await store.writeBlob(shared);
      await (await store.openWriter('a')).commit({ put: { a: value(0, [none, view, copy, view]) } });
      expect(await store.readBlob(none)).toEqual(new Uint8Array(0));
      expect(await store.readBlob(view)).toEqual(Uint8Array.of(2, 3));
      expect(await store.readBlob(copy)).toEqual(Uint8Array.of(7, 7, 7));
      await store.close();
    });

    it('refuses a commit that names a blob which is not there, and changes nothing', async () => {
      const store = await open();
      const writer = await store.openWriter('training');
      const missing = { sha256: '0'.repeat(64), bytes: 3 };
      const commit = writer.commit({ put: { a: value(1), b: value(2, [missing]) } });
      await expect(commit).rejects.toThrow(StoreCorruptionError);
      await expect(
        writer.commit({ put: { b: value(2, [{ sha256: '../../x', bytes: 3 }]) } }),
      ).rejects.toThrow(/not a SHA-256/);
      const { sha256 } = await store.writeBlob(bytes('four'));
      await expect(writer.commit({ put: { b: value(2, [{ sha256, bytes: 3 }]) } })).rejects.toThrow(
        /does not have 3 bytes/,
      );
      expect(await store.keys('training')).toEqual([]);
      await writer.commit({ put: { a: value(1) } });
      expect(await store.keys('training')).toEqual(['a']);
      await expect(store.readBlob(missing)).rejects.toThrow(/missing/);
      await store.close();
    });

    it('refuses values that JSON would change in silence', async () => {
      const writer = await (await open()).openWriter('training');
      const put = (content: unknown) => writer.commit({ put: { a: value(content as Json) } });
      await expect(put({ metrics: [1, NaN] })).rejects.toThrow('training/a.metrics[1] is NaN');
      await expect(put(-Infinity)).rejects.toThrow(TypeError);
      await expect(put({ x: undefined })).rejects.toThrow('training/a.x is undefined');
      await expect(put(new Map())).rejects.toThrow(/not a plain object/);
    });

    it('is not changed by what a caller does to its objects after the commit', async () => {
      const store = await open();
      const writer = await store.openWriter('training');
      const history = [1];
      const commit = writer.commit({ put: { a: value(history) } });
      await commit;
      history.push(2);
      await writer.commit({ put: { b: value(0) } });
      expect((await (await open()).get('training', 'a'))?.value).toEqual([1]);
    });

    it.each([
      '',
      '..',
      '../x',
      'a/b',
      'a\\b',
      'A',
      'con',
      'nul.txt',
      'a.',
      '.hidden',
      '-x',
      'x'.repeat(101),
      'é',
    ])('refuses the namespace %j', async (name) => {
      const store = await open();
      await expect(store.openWriter(name)).rejects.toThrow(InputError);
      await expect(store.get(name, 'a')).rejects.toThrow(InputError);
      await expect(store.keys(name)).rejects.toThrow(InputError);
    });

    it.each(['', '__proto__', '.x', 'a b', 'a\n'])('refuses the key %j', async (key) => {
      const writer = await (await open()).openWriter('training');
      await expect(writer.commit({ put: { ...{ [key]: value(1) } } })).rejects.toThrow(InputError);
    });

    it('takes keys that objects have by nature', async () => {
      const store = await open();
      expect(await store.get('training', 'constructor')).toBeUndefined();
      const writer = await store.openWriter('training');
      await writer.commit({ put: { constructor: value(1) } });
      expect((await store.get('training', 'constructor'))?.value).toBe(1);
    });

    it('orders commits that are not awaited', async () => {
      const store = await open();
      const writer = await store.openWriter('training');
      await Promise.all(
        [1, 2, 3, 4].map((n) => writer.commit({ put: { n: value(n), [`k${n}`]: value(n) } })),
      );
      expect((await store.get('training', 'n'))?.value).toBe(4);
      expect(await store.keys('training')).toHaveLength(5);
    });

    it('puts what a commit both deletes and puts', async () => {
      const store = await open();
      const writer = await store.openWriter('training');
      await writer.commit({ put: { a: value(1) } });
      await writer.commit({ put: { a: value(2) }, delete: ['a'] });
      expect((await store.get('training', 'a'))?.value).toBe(2);
    });
  });

  describe('several openings of a store', () => {
    it('the newest writer of a namespace fences the others off, those of other namespaces not', async () => {
      const [one, two] = [await open(), await open()];
      const old = await one.openWriter('training');
      const elsewhere = await one.openWriter('queue');
      await old.commit({ put: { a: value(1) } });
      const current = await two.openWriter('training');
      expect(current.epoch).toBeGreaterThan(old.epoch);
      await expect(old.commit({ put: { a: value('lost') } })).rejects.toThrow(StoreFencedError);
      await current.commit({ put: { b: value(2) } });
      await expect(old.commit({ put: { a: value('lost') } })).rejects.toThrow(StoreFencedError);
      await elsewhere.commit({ put: { c: value(3) } });
      expect(await one.keys('training')).toEqual(['a', 'b']);
      expect((await one.get('training', 'a'))?.value).toBe(1);
    });

    it('a writer that slept over many takeovers and commits is still fenced', async () => {
      const [one, two] = [await open(), await open()];
      const sleepers: StoreWriter[] = [];
      for (let i = 0; i < 6; i++) {
        const writer = await one.openWriter('training');
        for (let n = 0; n < i; n++) await writer.commit({ put: { [`n${n}`]: value(i) } });
        sleepers.push(writer);
      }
      const writer = await two.openWriter('training');
      for (let n = 0; n < 10; n++) await writer.commit({ put: { last: value(n) } });
      for (const sleeper of sleepers) {
        await expect(sleeper.commit({ put: { last: value('lost') } })).rejects.toThrow(StoreFencedError);
      }
      expect((await one.get('training', 'last'))?.value).toBe(9);
      await writer.commit({ put: { last: value(10) } });
    });

    it('writers that take a namespace from each other lose no acknowledged commit and keep no refused one', async () => {
      const random = new RandomStream(1, 'takeovers');
      const acknowledged: string[] = [];
      const act = async (name: string) => {
        const store = await open();
        let writer = await store.openWriter('queue');
        for (let i = 0; i < 8; i++) {
          for (let turns = random.integer(20); turns > 0; turns--) await store.keys('queue');
          try {
            await writer.commit({ put: { [`${name}-${i}`]: value(i) } });
            acknowledged.push(`${name}-${i}`);
          } catch (error) {
            expect(error).toBeInstanceOf(StoreFencedError);
            writer = await store.openWriter('queue');
          }
        }
      };
      await Promise.all([act('a'), act('b'), act('c')]);
      await act('last');
      expect(acknowledged).toContain('last-7');
      expect(await (await open()).keys('queue')).toEqual(acknowledged.sort());
    });

    it('a sweep spares what another has written and not yet committed', async () => {
      const [one, two] = [await open(), await open()];
      const blob = await one.writeBlob(bytes('not yet committed'));
      expect(await two.sweep()).toBe(0);
      await (await one.openWriter('training')).commit({ put: { a: value(1, [blob]) } });
      expect(await two.sweep()).toBe(0);
      expect(text(await two.readBlob(blob))).toBe('not yet committed');
    });

    it('a sweep takes what was given up, and what has long been without a record', async () => {
      const [one, two] = [await open(), await open()];
      const written = await one.writeBlob(bytes('given up'));
      const writer = await two.openWriter('training');
      const blob = await two.writeBlob(bytes('named'));
      await writer.commit({ put: { a: value(1, [blob]), b: value(2, [blob]) } });
      await one.close();
      expect(await two.sweep()).toBe(8);
      await expect(two.readBlob(written)).rejects.toThrow(StoreCorruptionError);
      await writer.commit({ delete: ['a'] });
      expect(await two.sweep()).toBe(0);
      // A store may keep the states before the last one for a while.
      for (let n = 0; n < 3; n++) await writer.commit({ put: { n: value(n) }, delete: ['b'] });
      expect(await two.sweep()).toBe(5);
      await expect(two.readBlob(blob)).rejects.toThrow(StoreCorruptionError);
    });

    it('a sweep takes at once what a commit that forgets the earlier ones leaves without a record', async () => {
      const store = await open();
      const writer = await store.openWriter('training');
      const [old, kept] = [await store.writeBlob(bytes('old')), await store.writeBlob(bytes('kept'))];
      await writer.commit({ put: { a: value(1, [old]), b: value(2, [kept]) } });
      await writer.commit({ put: { c: value(3) }, delete: ['a'], forgetEarlier: true });
      expect(await store.sweep()).toBe(3);
      expect(await store.keys('training')).toEqual(['b', 'c']);
      expect(text(await store.readBlob(kept))).toBe('kept');
      await writer.commit({ delete: ['b', 'c'], forgetEarlier: true });
      expect(await store.sweep()).toBe(4);
      expect(await store.namespaces()).toEqual([]);
      await writer.commit({ put: { a: value(4) } });
      expect((await store.get('training', 'a'))?.value).toBe(4);
    });

    it('bytes written twice stay until both writes are committed or given up', async () => {
      const [one, two] = [await open(), await open()];
      const writer = await one.openWriter('training');
      const first = await one.writeBlob(bytes('twice'));
      const second = await one.writeBlob(bytes('twice'));
      expect(second).toEqual(first);
      await writer.commit({ put: { a: value(1, [first]) } });
      for (let n = 0; n < 3; n++) await writer.commit({ put: { n: value(n) }, delete: ['a'] });
      expect(await two.sweep()).toBe(0);
      await writer.commit({ put: { a: value(2, [second]) } });
      expect(text(await two.readBlob(second))).toBe('twice');
    });

    it('a writer and sweepers in random order lose no blob', async () => {
      const store = await open();
      const writer = await store.openWriter('training');
      const done = new AbortController();
      const sweep = async () => {
        const other = await open();
        while (!done.signal.aborted) await other.sweep();
      };
      const sweeping = Promise.all([sweep(), sweep()]);
      try {
        // The same few contents go and come back, so that a blob is written while it is being swept.
        for (let i = 0; i < 12; i++) {
          const blob = await store.writeBlob(bytes(`content ${i % 3}`));
          await writer.commit({ put: { only: value(i, [blob]) } });
          const record = await store.get('training', 'only');
          expect(text(await store.readBlob(record!.blobs[0]!))).toBe(`content ${i % 3}`);
        }
      } finally {
        done.abort();
      }
      await sweeping;
    });
  });
}
