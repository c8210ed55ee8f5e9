import { strToU8, zipSync } from 'fflate';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRange } from '../../../src/core/source.ts';
import { openFile, openFolder, openTree } from '../../../src/host/node/files.ts';
import { collect, refused } from '../../corpus/support.ts';
import { itUnless } from '../../support/skip.ts';

const noPipes = process.platform === 'win32' ? 'Windows has no named pipes in folders' : undefined;

describe('files and folders', () => {
  let folder = '';
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'files-'));
    await mkdir(join(folder, 'set/qrels'), { recursive: true });
    await writeFile(join(folder, 'set/corpus.jsonl'), bytes);
    await writeFile(join(folder, 'set/qrels/test.tsv'), 'a');
    await writeFile(join(folder, 'set/.hidden'), 'a');
    await writeFile(join(folder, 'outside.txt'), 'a');
    await writeFile(join(folder, 'set.zip'), zipSync({ 'a.txt': strToU8('x') }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('stream a file, whole or in part, as often as asked', async () => {
    const source = await openFile(join(folder, 'set/corpus.jsonl'));
    expect(source.size).toBe(bytes.length);
    expect(Buffer.compare(await readRange(source, 0, source.size), bytes)).toBe(0);
    expect(Buffer.compare(await readRange(source, 65_000, 70_000), bytes.subarray(65_000, 70_000))).toBe(0);
    for await (const chunk of source.stream()) {
      // Leaving early closes the file.
      expect(chunk.length).toBe(65_536);
      break;
    }
    expect(await collect(source.stream(5, 5))).toEqual([]);
  });

  it('list a folder without hidden files and open what is in it only', async () => {
    const tree = await openFolder(join(folder, 'set'));
    expect(tree.paths).toEqual(['corpus.jsonl', 'qrels/test.tsv']);
    expect((await tree.open('qrels/test.tsv')).size).toBe(1);
    expect(await refused(tree.open('../outside.txt'))).toContain('has no ../outside.txt');
  });

  it('open a folder and a zip alike', async () => {
    expect((await openTree(join(folder, 'set'))).paths).toContain('corpus.jsonl');
    expect((await openTree(join(folder, 'set.zip'))).paths).toEqual(['a.txt']);
  });

  itUnless(noPipes, 'read a pipe to its end, and then as often as asked', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [source] = await Promise.all([openFile(pipe), writeFile(pipe, bytes)]);
    expect(source).toMatchObject({ name: pipe, size: bytes.length });
    for (let time = 0; time < 2; time++) {
      expect(Buffer.compare(await readRange(source, 0, source.size), bytes)).toBe(0);
    }
    expect(Buffer.compare(await readRange(source, 65_000, 70_000), bytes.subarray(65_000, 70_000))).toBe(0);
    const [tree] = await Promise.all([
      openTree(pipe),
      writeFile(pipe, await readFile(join(folder, 'set.zip'))),
    ]);
    expect(tree.paths).toEqual(['a.txt']);
    expect((await openFile('/dev/null')).size).toBe(0);
  });

  itUnless(noPipes, 'refuse a pipe without an end', async () => {
    const message = await refused(openFile('/dev/zero', { maxPipeBytes: 100_000 }));
    expect(message).toBe('/dev/zero: more than 97.7 KiB came through this pipe. Pass a file instead.');
  });

  it('say what is wrong', async () => {
    const path = join(folder, 'none');
    expect(await refused(openTree(path))).toBe(`${path}: does not exist. Fix the path.`);
    expect(await refused(openFile(folder))).toContain('is not a file');
    expect(await refused(openTree(join(folder, 'outside.txt')))).toContain('is neither a folder nor a zip');
    expect(await refused(openFolder(join(folder, 'outside.txt')))).toContain('does not exist');
  });
});
