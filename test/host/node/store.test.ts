import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Json } from '../../../src/core/json.ts';
import {
  StoreCorruptionError,
  StoreFencedError,
  type BlobReference,
  type StoreWriter,
} from '../../../src/host/contract.ts';
import { ResourceError } from '../../../src/core/errors.ts';
import type { FileOperations } from '../../../src/host/node/file-operations.ts';
import { FolderStore } from '../../../src/host/node/store.ts';
import { RandomStream } from '../../../src/core/random.ts';
import { describeStore } from '../store-contract.ts';
import { Killed, SimulatedDisk, type SimulatedProcess } from '../../support/simulated-disk.ts';
import { itUnless } from '../../support/skip.ts';

let folder: string;
let problems: string[];
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'store-')), 'store');
  problems = [];
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const open = () => FolderStore.open(folder, { report: (problem) => problems.push(problem) });
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (content: Uint8Array) => new TextDecoder().decode(content);
const value = (content: Json, blobs: readonly BlobReference[] = []) => ({ value: content, blobs });
const blobPath = ({ sha256 }: BlobReference) => join(folder, 'blobs', sha256.slice(0, 2), sha256);
const blobFiles = () =>
  readdirSync(join(folder, 'blobs'), { recursive: true }).filter((name) => name.length > 60);

describeStore(() => open);

describe('FolderStore', () => {
  it('keeps equal bytes once, and only what records name', async () => {
    const store = await open();
    const writer = await store.openWriter('training');
    const first = await store.writeBlob(bytes('frozen'));
    expect(await store.writeBlob(bytes('frozen'))).toEqual(first);
    expect(blobFiles()).toHaveLength(1);
    await writer.commit({ put: { a: value(0, [first]) } });
    await writer.commit({ put: { b: value(0, [await store.writeBlob(bytes('frozen'))]) }, delete: ['a'] });
    await writer.commit({ put: { c: value(1) } });
    expect(await store.sweep()).toBe(0);
    // The last two states are kept, so two commits must be without it.
    await writer.commit({ delete: ['b'] });
    expect(await store.sweep()).toBe(0);
    await writer.commit({ delete: ['c'] });
    await store.close();
    const other = await open();
    expect(await other.sweep()).toBe(6);
    expect(blobFiles()).toEqual([]);
  });
});

describe('opening a folder', () => {
  it('refuses a store of a newer version, and one that does not say', async () => {
    await open();
    writeFileSync(join(folder, 'store.json'), '{"schema":2}');
    await expect(open()).rejects.toThrow(/newer version \(schema 2; this version supports 1\)\. Update/);
    writeFileSync(join(folder, 'store.json'), '{"sch');
    await expect(open()).rejects.toThrow(/store\.json: the file is damaged/);
  });

  it('refuses a folder that is something else', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'thesis.tex'), '');
    await expect(open()).rejects.toThrow(/not a store and is not empty \(thesis\.tex\)/);
    expect(readdirSync(folder)).toEqual(['thesis.tex']);
  });

  it('reads the store of schema 1 as it was first written', async () => {
    // Kept for ever: later versions must read it.
    mkdirSync(join(folder, 'records/training'), { recursive: true });
    const sha256 = 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9';
    mkdirSync(join(folder, 'blobs/b9'), { recursive: true });
    writeFileSync(join(folder, 'blobs/b9', sha256), 'hello world');
    writeFileSync(join(folder, 'store.json'), '{"madeBy":"retriever-studio","schema":1}\n');
    writeFileSync(
      join(folder, 'records/training/000000000001.json'),
      '{"fence":"A writer started here; its epoch is this number."}\n',
    );
    writeFileSync(
      join(folder, 'records/training/000000000002.json'),
      `{"sha256":"${CONTENT_SHA256}","content":${CONTENT}}\n`,
    );
    const store = await open();
    const record = await store.get('training', 'latest');
    expect(record?.value).toEqual({ step: 7 });
    expect(text(await store.readBlob(record!.blobs[0]!))).toBe('hello world');
  });

  it('reads without writing', async () => {
    const store = await open();
    await (await store.openWriter('training')).commit({ put: { a: value(1) } });
    await store.close();
    const before = readdirSync(folder, { recursive: true }).sort();
    const reader = await open();
    await reader.get('training', 'a');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before);
  });
});

const CONTENT =
  '{"schema":1,"namespace":"training","generation":2,"epoch":1,"records":[["latest",{"value":{"step":7},' +
  '"blobs":[{"sha256":"b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9","bytes":11}]}]]}';
const CONTENT_SHA256 = 'd24f82fe1c1146501fe88a3b1fa10b5f4656afef15f28b64cf94f99ffbf0e8c1';

describe('bit rot', () => {
  async function twoCommits(): Promise<{ blob: BlobReference; state: string }> {
    const store = await open();
    const blob = await store.writeBlob(Uint8Array.from({ length: 200 }, (_, i) => i));
    const writer = await store.openWriter('training');
    await writer.commit({ put: { a: value('first', [blob]) } });
    await writer.commit({ put: { a: value('second', [blob]) } });
    await store.close();
    const states = readdirSync(join(folder, 'records/training')).sort();
    return { blob, state: join(folder, 'records/training', states.at(-1)!) };
  }

  function flip(path: string, position: number, bit: number): void {
    const content = readFileSync(path);
    content[position] = content[position]! ^ (1 << bit);
    writeFileSync(path, content);
  }

  it('in any byte of a blob is found when it is read, and named', async () => {
    const { blob } = await twoCommits();
    const store = await open();
    for (let position = 0; position < 200; position += 3) {
      flip(blobPath(blob), position, position % 8);
      await expect(store.readBlob(blob)).rejects.toThrow(`${blobPath(blob)} is damaged`);
      flip(blobPath(blob), position, position % 8);
    }
    expect((await store.readBlob(blob))[199]).toBe(199);
    unlinkSync(blobPath(blob));
    await expect(store.readBlob(blob)).rejects.toThrow(`${blobPath(blob)} is missing`);
  });

  it('in a blob is healed by writing the same bytes again', async () => {
    const { blob } = await twoCommits();
    flip(blobPath(blob), 50, 0);
    const store = await open();
    await store.writeBlob(Uint8Array.from({ length: 200 }, (_, i) => i));
    expect((await store.readBlob(blob))[50]).toBe(50);
    await store.close();
    expect((await (await open()).readBlob(blob))[50]).toBe(50);
  });

  it('in any byte of the newest records gives those before, and says so', async () => {
    const { state } = await twoCommits();
    const length = readFileSync(state).length;
    for (let position = 0; position < length; position += 5) {
      flip(state, position, position % 8);
      problems.length = 0;
      expect((await (await open()).get('training', 'a'))?.value).toBe('first');
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain(`${state} damaged; continuing from the previous commit`);
      flip(state, position, position % 8);
    }
    expect((await (await open()).get('training', 'a'))?.value).toBe('second');
    writeFileSync(state, readFileSync(state).subarray(0, length >> 1));
    expect((await (await open()).get('training', 'a'))?.value).toBe('first');
  });

  it('in any byte of the only commit costs nothing, and the next commit makes a copy again', async () => {
    const written = await open();
    await (await written.openWriter('once')).commit({ put: { only: { value: 'kept', blobs: [] } } });
    await written.close();
    const states = (): string[] =>
      readdirSync(join(folder, 'records/once'))
        .map((name) => join(folder, 'records/once', name))
        .filter((path) => readFileSync(path).length > 100);
    expect(states()).toHaveLength(2);
    for (const state of states()) {
      const { length } = readFileSync(state);
      for (let position = 0; position < length; position += 29) {
        flip(state, position, position % 8);
        expect((await (await open()).get('once', 'only'))?.value, state).toBe('kept');
        flip(state, position, position % 8);
      }
    }
    // With the newest one damaged for good.
    flip(states().at(-1) ?? '', 120, 0);
    const store = await open();
    await (await store.openWriter('once')).commit({ put: { other: { value: 'new', blobs: [] } } });
    await store.close();
    problems.length = 0;
    for (const state of states()) {
      flip(state, 120, 0);
      const damaged = await open();
      expect(await damaged.keys('once'), state).toEqual(['only', 'other']);
      flip(state, 120, 0);
    }
    expect(await (await open()).sweep()).toBe(0);
    expect(problems.filter((problem) => problem.includes('unused blobs are kept'))).toEqual([]);
  });

  it('in all records is an error that names them, and sweeps nothing', async () => {
    const { blob } = await twoCommits();
    const records = join(folder, 'records/training');
    for (const name of readdirSync(records)) {
      if (readFileSync(join(records, name)).length > 100) flip(join(records, name), 120, 0);
    }
    const store = await open();
    await expect(store.get('training', 'a')).rejects.toThrow(StoreCorruptionError);
    await expect(store.get('training', 'a')).rejects.toThrow(
      /000000000003\.json.*Remove .*training: these records are lost/,
    );
    expect(await store.sweep()).toBe(0);
    expect(problems[0]).toMatch(/is damaged; unused blobs are kept/);
    expect(existsSync(blobPath(blob))).toBe(true);
  });

  it('does not take records of another place for its own', async () => {
    const { state } = await twoCommits();
    writeFileSync(state.replace('004', '005'), readFileSync(state));
    expect((await (await open()).get('training', 'a'))?.value).toBe('second');
    expect(problems).toHaveLength(1);
  });
});

describe('several processes', () => {
  it('what a dead process had written and not committed is swept when the store is opened', async () => {
    const disk = new SimulatedDisk();
    const dead = disk.start();
    const store = await FolderStore.open('/store', { disk: dead });
    await store.writeBlob(bytes('orphan'));
    dead.kill();
    expect(disk.files().filter((path) => path.includes('/blobs/'))).toHaveLength(1);
    await FolderStore.open('/store', { disk: disk.start() });
    expect(disk.files()).toEqual(['/store/store.json']);
  });
});

describe('a process that sleeps at the worst moment while it takes a namespace over', () => {
  /** Opens a writer that stops before an operation until it is woken. */
  function sleepBefore(disk: SimulatedDisk, operation: keyof FileOperations, path: string) {
    const process = disk.start();
    const [asleep, fallAsleep] = signal();
    const [awake, wake] = signal();
    process.pause = async (nextOperation, nextPath) => {
      if (nextOperation !== operation || !nextPath.endsWith(path)) return;
      fallAsleep();
      await awake;
    };
    const writer = FolderStore.open('/store', { disk: process }).then((store) => store.openWriter('queue'));
    return { asleep, wake, writer };
  }

  function signal(): [Promise<void>, () => void] {
    let send = (): void => undefined;
    const received = new Promise<void>((resolve) => (send = resolve));
    return [received, send];
  }

  async function commitTimes(writer: StoreWriter, times: number): Promise<void> {
    for (let i = 0; i < times; i++) await writer.commit({ put: { last: value(`${writer.epoch}: ${i}`) } });
  }

  it('before it links a number that is used up meanwhile, takes a new one', async () => {
    const disk = new SimulatedDisk();
    const store = await FolderStore.open('/store', { disk: disk.start() });
    const old = await store.openWriter('queue');
    await commitTimes(old, 2);
    const sleeper = sleepBefore(disk, 'link', '000000000005.json');
    await sleeper.asleep;
    await commitTimes(old, 4);
    sleeper.wake();
    const writer = await sleeper.writer;
    expect(writer.epoch).toBe(9);
    await expect(commitTimes(old, 1)).rejects.toThrow(StoreFencedError);
    await writer.commit({ put: { mine: value(true) } });
    expect(await store.keys('queue')).toEqual(['last', 'mine']);
    expect((await store.get('queue', 'last'))?.value).toBe('1: 3');
  });

  it('after it has linked, still holds off the writer before it', async () => {
    const disk = new SimulatedDisk();
    const store = await FolderStore.open('/store', { disk: disk.start() });
    const old = await store.openWriter('queue');
    await commitTimes(old, 1);
    const sleeper = sleepBefore(disk, 'stat', '000000000003.json');
    await sleeper.asleep;
    const between = await (await FolderStore.open('/store', { disk: disk.start() })).openWriter('queue');
    await commitTimes(between, 3);
    sleeper.wake();
    const writer = await sleeper.writer;
    for (const fenced of [old, between])
      await expect(commitTimes(fenced, 1)).rejects.toThrow(StoreFencedError);
    expect((await store.get('queue', 'last'))?.value).toBe(`${between.epoch}: 2`);
    await commitTimes(writer, 1);
    expect((await store.get('queue', 'last'))?.value).toBe(`${writer.epoch}: 0`);
  });
});

/** Random interleavings of processes on the simulated disk, one per seed. */
describe('interleavings', () => {
  const SEEDS = Number(process.env.STORE_SEEDS ?? 40);

  /** Each operation waits for a random number of turns of the others. */
  function startPaced(disk: SimulatedDisk, seed: number, name: string): SimulatedProcess {
    const process = disk.start();
    const random = new RandomStream(seed, name);
    process.pause = async () => {
      // Mostly short waits, at times one that others can do a whole commit in.
      const turns = random.uniform() < 0.02 ? 400 : random.integer(6);
      for (let i = 0; i <= turns; i++) await Promise.resolve();
    };
    return process;
  }

  it('of writers that take a namespace from each other lose no acknowledged commit and keep no refused one', async () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimulatedDisk();
      const acknowledged: string[] = [];
      const refused: string[] = [];
      const act = async (name: string) => {
        const store = await FolderStore.open('/store', { disk: startPaced(disk, seed, name) });
        let writer = await store.openWriter('queue');
        for (let i = 0; i < 8; i++) {
          const key = `${name}-${i}`;
          try {
            await writer.commit({ put: { [key]: value(i) } });
            acknowledged.push(key);
          } catch (error) {
            expect(error).toBeInstanceOf(StoreFencedError);
            refused.push(key);
            writer = await store.openWriter('queue');
          }
        }
      };
      await Promise.all([act('a'), act('b'), act('c')]);
      const store = await FolderStore.open('/store', { disk: disk.start() });
      expect([seed, ...(await store.keys('queue'))]).toEqual([seed, ...acknowledged.sort()]);
    }
  });

  it('of a writer and a sweeper that is killed anywhere lose no blob', async () => {
    let kills = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimulatedDisk();
      const writing = startPaced(disk, seed, 'writer');
      const random = new RandomStream(seed, 'plan');
      const store = await FolderStore.open('/store', {
        disk: writing,
        report: (problem) => problems.push(problem),
      });
      const writer = await store.openWriter('training');

      const done = new AbortController();
      const sweeping = (async () => {
        for (let round = 0; !done.signal.aborted && round < 50; round++) {
          const sweeper = startPaced(disk, seed * 50 + round, 'sweeper');
          sweeper.faultAt(5 + random.integer(60), { kind: 'kill', when: 'after' });
          try {
            const other = await FolderStore.open('/store', { disk: sweeper, report: () => undefined });
            for (let i = 0; i < 3; i++) await other.sweep();
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
            kills++;
          }
          sweeper.kill();
        }
      })();
      // The same few contents go and come back, so that a blob is written while it is being swept.
      for (let i = 0; i < 12; i++) {
        const content = bytes(`content ${i % 3}`);
        const blob = await store.writeBlob(content);
        await writer.commit({ put: { only: value(i, [blob]) } });
        const record = await store.get('training', 'only');
        expect([seed, text(await store.readBlob(record!.blobs[0]!))]).toEqual([seed, `content ${i % 3}`]);
      }
      done.abort();
      await sweeping;
      const after = await FolderStore.open('/store', { disk: disk.start() });
      const record = await after.get('training', 'only');
      expect(text(await after.readBlob(record!.blobs[0]!))).toBe('content 2');
    }
    expect(problems).toEqual([]);
    expect(kills).toBeGreaterThan(SEEDS);
  });

  it('of a writer and a sweeper that lose power together lose nothing acknowledged', async () => {
    for (let seed = 0; seed < SEEDS * 2; seed++) {
      const disk = new SimulatedDisk();
      const random = new RandomStream(seed, 'power');
      const writing = startPaced(disk, seed, 'writer');
      const sweeper = startPaced(disk, seed, 'sweeper');
      let acknowledged = -1;
      const write = async () => {
        const store = await FolderStore.open('/store', { disk: writing, report: () => undefined });
        const writer = await store.openWriter('training');
        for (let i = 0; i < 12; i++) {
          const blob = await store.writeBlob(bytes(`content ${i % 3}`));
          await writer.commit({ put: { only: value(i, [blob]) } });
          acknowledged = i;
        }
      };
      const sweep = async () => {
        const store = await FolderStore.open('/store', { disk: sweeper, report: () => undefined });
        for (let i = 0; i < 20; i++) await store.sweep();
      };
      const fail = async () => {
        const turns = 500 + random.integer(8000);
        for (let i = 0; i < turns; i++) await Promise.resolve();
        disk.powerFailure(() => random.uniform() < 0.5);
      };
      for (const result of await Promise.allSettled([write(), sweep(), fail()])) {
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(Killed);
      }
      const store = await FolderStore.open('/store', { disk: disk.start() });
      const record = await store.get('training', 'only');
      const step = (record?.value ?? -1) as number;
      expect([seed, step === acknowledged || step === acknowledged + 1]).toEqual([seed, true]);
      if (record)
        expect([seed, text(await store.readBlob(record.blobs[0]!))]).toEqual([seed, `content ${step % 3}`]);
      await store.sweep();
      if (record) expect(text(await store.readBlob(record.blobs[0]!))).toBe(`content ${step % 3}`);
    }
  });
});

const isRoot = process.getuid?.() === 0;
const TMPFS_BYTES = 1_000_000;

/** Mounts a tiny file system; false where that is not allowed. */
function mountTiny(path: string): boolean {
  mkdirSync(path);
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${TMPFS_BYTES}`, 'tmpfs', path]).status === 0;
}

const canMount = (() => {
  if (!isRoot) return false;
  const trial = mkdtempSync(join(tmpdir(), 'mount-'));
  const mounted = mountTiny(join(trial, 'm'));
  if (mounted) spawnSync('umount', [join(trial, 'm')]);
  rmSync(trial, { recursive: true });
  return mounted;
})();

describe('the real disk', () => {
  itUnless(
    canMount ? undefined : 'tmpfs cannot be mounted here',
    'full: a clear error, all commits kept, goes on after cleaning up',
    async () => {
      mkdirSync(folder);
      const mount = join(folder, 'tiny');
      expect(mountTiny(mount)).toBe(true);
      try {
        const store = await FolderStore.open(join(mount, 'store'));
        const writer = await store.openWriter('training');
        const content = (n: number) => new Uint8Array(150_000).fill(n);
        let error: unknown;
        let saved = 0;
        while (error === undefined && saved < 20) {
          try {
            const blob = await store.writeBlob(content(saved));
            await writer.commit({ put: { [`n${saved}`]: value(saved, [blob]) } });
            saved++;
          } catch (thrown) {
            error = thrown;
          }
        }
        expect(saved).toBeGreaterThan(3);
        expect(saved).toBeLessThan(7);
        expect(error).toBeInstanceOf(ResourceError);
        expect((error as Error).message).toMatch(
          /disk is full: 0\.2 MB needed, 0\.\d MB free\. Free disk space/,
        );

        const check = async () => {
          const again = await FolderStore.open(join(mount, 'store'));
          for (const key of await again.keys('training')) {
            const record = await again.get('training', key);
            expect((await again.readBlob(record!.blobs[0]!))[0]).toBe(record?.value);
          }
          return (await again.keys('training')).length;
        };
        expect(await check()).toBe(saved);
        await writer.commit({ delete: ['n0'] });
        await writer.commit({ delete: ['n1'] });
        expect(await store.sweep()).toBe(150_000);
        const blob = await store.writeBlob(content(99));
        await writer.commit({ put: { again: value(99, [blob]) } });
        expect(await check()).toBe(saved - 1);
      } finally {
        spawnSync('umount', [mount]);
      }
    },
  );

  itUnless(isRoot ? 'root may write anywhere' : undefined, 'not ours to write: a clear error', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    const opening = open();
    await expect(opening).rejects.toThrow(ResourceError);
    await expect(opening).rejects.toThrow(/No permission/);
  });
});
