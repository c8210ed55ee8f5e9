/** A folder of thousands of files answers before they are all read. */
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { bytesSource, textSource, type ByteSource } from '../../src/core/source.ts';
import { openZip } from '../../src/formats/zip.ts';
import { detect } from '../../src/import/detect.ts';
import { folder, imported } from './support.ts';

const COUNT = 9_990;
/** What is read of all files together to find out what they are. */
const MOST_BYTES = 100 * 256 * 1024;

/** A file that counts what is read of it. */
function counted(source: ByteSource, read: { bytes: number; streams: number }): ByteSource {
  return {
    ...source,
    async *stream(start, end) {
      read.streams++;
      for await (const chunk of source.stream(start, end)) {
        read.bytes += chunk.length;
        yield chunk;
      }
    },
  };
}

const textOf = (i: number): string =>
  `Text ${i} of the folder, about ${['sea', 'wood', 'stone'][i % 3] ?? ''}.\n`;
const padding = 'and so on '.repeat(3000);

describe('a folder of thousands of files', () => {
  function large(own: Readonly<Record<string, string>> = {}) {
    const read = { bytes: 0, streams: 0 };
    const files: Record<string, ByteSource> = {};
    for (let i = 0; i < COUNT; i++) {
      const path = `part${i % 7}/text-${String(i).padStart(5, '0')}.txt`;
      files[path] = counted(textSource(`docs/${path}`, textOf(i) + padding), read);
    }
    for (const [path, text] of Object.entries(own)) files[path] = textSource(`docs/${path}`, text);
    return { tree: folder('docs', files), read };
  }

  it('is known from some of them', async () => {
    const { tree, read } = large({ 'table.csv': 'id,text\na,one\nb,two\n', 'empty.txt': '' });
    const { files, kind, leftOut } = await detect([tree]);
    expect(kind).toBe('texts');
    expect(files).toHaveLength(COUNT + 1);
    expect(leftOut).toEqual([{ path: 'empty.txt', reason: 'empty' }]);
    expect(files.map(({ path }) => path)).toEqual(tree.paths.filter((path) => path !== 'empty.txt'));
    expect(files.find(({ path }) => path === 'table.csv')).toMatchObject({
      format: 'csv',
      columns: { id: ['id'] },
    });
    expect(files.slice(0, 5).every(({ sample }) => sample.rows.length > 0)).toBe(true);
    expect(read.bytes).toBeLessThan(MOST_BYTES);
    expect(read.streams).toBeLessThan(200);
  });

  it('is known from some of them in a zip, too', async () => {
    const entries = Object.fromEntries(
      Array.from({ length: COUNT }, (_, i) => [`text-${i}.txt`, strToU8(textOf(i))]),
    );
    const read = { bytes: 0, streams: 0 };
    const zip = counted(bytesSource('docs.zip', zipSync(entries, { level: 0 })), read);
    const tree = await openZip(zip);
    const opened = read.streams;
    expect((await detect([tree])).files).toHaveLength(COUNT);
    expect(read.streams - opened).toBeLessThan(300);
  });
});

describe('files that nobody looked at', () => {
  /** Enough that most are taken for files like the others. */
  const texts = (odd: Readonly<Record<number, string | Uint8Array>>) =>
    folder(
      'docs',
      Object.fromEntries(
        Array.from({ length: 300 }, (_, i) => [`t${String(i).padStart(3, '0')}.txt`, odd[i] ?? textOf(i)]),
      ),
    );

  it('are read as they are: in another encoding, in paragraphs', async () => {
    const utf16 = new Uint8Array([
      0xff,
      0xfe,
      ...Array.from('Grün', (letter) => [letter.charCodeAt(0), 0]).flat(),
    ]);
    const { texts: found } = await imported(texts({ 100: utf16, 102: 'One\nparagraph.\n\nAnother.\n' }));
    expect(found).toHaveLength(301);
    expect(found.slice(100, 104)).toEqual(['Grün', textOf(101).trim(), 'One\nparagraph.', 'Another.']);
  });

  it('are refused by name where they are something else, or broken', async () => {
    await expect(imported(texts({ 100: 'q1\td1\t1\nq2\td2\t1\n' }))).rejects.toThrow(
      /^docs\/t100\.txt: is a file of judgments, unlike the other files of its kind\. Remove it from the folder/,
    );
    await expect(imported(texts({ 100: new Uint8Array([0x66, 0xfc, 0x72, 10]) }))).rejects.toThrow(
      /^docs\/t100\.txt:1: is not valid UTF-8\. Save/,
    );
  });

  it('are all looked at where those that were are not alike', async () => {
    const tables = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [
        `t${String(i).padStart(3, '0')}.csv`,
        i % 2 === 0 ? `id,text\na${i},one ${i}\n` : `key,body,question\nb${i},two ${i},which ${i}\n`,
      ]),
    );
    const { report } = await imported(folder('tables', tables), { keepDuplicates: true });
    expect(report).toMatchObject({ passages: 100, queries: 50 });
  });
});
