import { strToU8, zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBeir } from '../../src/corpus/beir.ts';
import { readRange } from '../../src/core/source.ts';
import {
  openFile,
  openFiles,
  openFolder,
  openTree,
  type DroppedItem,
} from '../../src/studio/dropped-files.ts';
import { chosenItems, droppedItems } from '../../src/studio/window/dropped-items.ts';
import { collect, refused } from '../corpus/support.ts';

const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);

describe('files and folders', () => {
  let root: FileSystemDirectoryHandle;
  let folder: FileSystemDirectoryHandle;
  let name: string;
  beforeEach(async () => {
    // The site's own files: the same kind of folder as a dropped one.
    root = await navigator.storage.getDirectory();
    name = `set-${crypto.randomUUID()}`;
    folder = await root.getDirectoryHandle(name, { create: true });
    await write(folder, 'corpus.jsonl', bytes);
    await write(await folder.getDirectoryHandle('qrels', { create: true }), 'test.tsv', strToU8('a'));
    await write(folder, '.hidden', strToU8('a'));
  });
  afterEach(() => root.removeEntry(name, { recursive: true }));

  async function write(
    into: FileSystemDirectoryHandle,
    file: string,
    content: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const stream = await (await into.getFileHandle(file, { create: true })).createWritable();
    await stream.write(content);
    await stream.close();
  }

  it('stream a file, whole or in part, as often as asked', async () => {
    const source = openFile(new File([bytes], 'corpus.jsonl'));
    expect([source.name, source.size]).toEqual(['corpus.jsonl', bytes.length]);
    expect(await readRange(source, 0, source.size)).toEqual(bytes);
    expect(await readRange(source, 65_000, 70_000)).toEqual(bytes.subarray(65_000, 70_000));
    for await (const chunk of source.stream()) {
      // Leaving early closes the file.
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(await collect(source.stream(5, 5))).toEqual([]);
  });

  it('list a folder without hidden files and open what is in it only', async () => {
    const tree = await openFolder(folder);
    expect(tree.name).toBe(name);
    expect(tree.paths).toEqual(['corpus.jsonl', 'qrels/test.tsv']);
    expect((await tree.open('qrels/test.tsv')).size).toBe(1);
    expect(await readRange(await tree.open('corpus.jsonl'), 10, 20)).toEqual(bytes.subarray(10, 20));
    expect(await refused(tree.open('../outside.txt'))).toContain('has no ../outside.txt');
  });

  it('list the files of a chosen folder alike', async () => {
    const listed = ['set/corpus.jsonl', 'set/qrels/test.tsv', 'set/.hidden', 'set/.git/x'].map((path) => ({
      path,
      file: new File(['ab'], path.split('/').at(-1)!),
    }));
    const tree = openFiles(listed);
    expect(tree.name).toBe('set');
    expect(tree.paths).toEqual(['set/corpus.jsonl', 'set/qrels/test.tsv']);
    expect((await tree.open('set/qrels/test.tsv')).size).toBe(2);
    expect(await refused(tree.open('set/.hidden'))).toContain('has no set/.hidden');
  });

  it('open folders, lists and zips alike', async () => {
    expect((await openTree(folder)).paths).toContain('corpus.jsonl');
    const zip = new File([zipSync({ 'a.txt': strToU8('x') })], 'set.zip');
    expect((await openTree(zip)).paths).toEqual(['a.txt']);
    expect((await openTree([{ path: 'b/a.txt', file: zip }])).paths).toEqual(['b/a.txt']);
    expect(await refused(openTree(new File(['hello'], 'outside.txt')))).toContain(
      'is neither a folder nor a zip',
    );
  });

  it('can be sent to a worker and opened there', async () => {
    const { port1, port2 } = new MessageChannel();
    const received = new Promise<FileSystemDirectoryHandle>((resolve) => {
      port2.onmessage = ({ data }: MessageEvent<FileSystemDirectoryHandle>) => resolve(data);
    });
    port1.postMessage(folder);
    expect((await openTree(await received)).paths).toContain('corpus.jsonl');
    port1.close();
  });

  it('say what became of a file that was removed or changed meanwhile', async () => {
    const tree = await openFolder(folder);
    const source = await tree.open('corpus.jsonl');
    await write(folder, 'corpus.jsonl', strToU8('another'));
    expect(await refused(collect(source.stream()))).toContain(`${name}/corpus.jsonl: was changed or removed`);
    await folder.removeEntry('corpus.jsonl');
    expect(await refused(tree.open('corpus.jsonl'))).toContain(`${name}/corpus.jsonl: no longer exists`);
  });

  it('are taken from a drop and from an input', async () => {
    const transfer = new DataTransfer();
    const file = new File(['x'], 'set.zip');
    transfer.items.add(file);
    transfer.items.add('some text', 'text/plain');
    expect(await droppedItems(transfer)).toEqual([file]);
    expect(chosenItems(transfer.files)).toEqual([file]);
    transfer.items.add(new File(['y'], 'other.txt'));
    expect(chosenItems(transfer.files)).toMatchObject([{ name: 'set.zip' }, { name: 'other.txt' }]);
    expect(chosenItems(new DataTransfer().files)).toEqual([]);
  });
});

describe('a BEIR set', () => {
  const texts = {
    'corpus.jsonl': '{"_id": "d1", "title": "T", "text": "bread"}\n{"_id": "d2", "text": "bees"}\n',
    'queries.jsonl': '{"_id": "q1", "text": "how to bake"}\n',
    'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\td1\t1\n',
  };
  const zip = zipSync(
    Object.fromEntries(Object.entries(texts).map(([path, text]) => [`set/${path}`, strToU8(text)])),
  );
  const listed = Object.entries(texts).map(([path, text]) => ({
    path: `set/${path}`,
    file: new File([text], path.split('/').at(-1)!),
  }));

  it.each<[string, DroppedItem]>([
    ['zip', new File([zip], 'set.zip')],
    ['folder', listed],
  ])('is read from a dropped %s', async (_, item) => {
    const set = await readBeir(await openTree(item));
    expect(set.queries.map(({ id }) => id)).toEqual(['q1']);
    expect((await collect(set.documents())).map(({ id }) => id)).toEqual(['d1', 'd2']);
  });
});
