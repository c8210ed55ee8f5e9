/** What the page says of input that cannot be used: one message with file, line and remedy, and nothing is kept. */
import { zipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError, messageOf } from '../../src/core/errors.ts';
import type { DroppedItem, ListedFile } from '../../src/studio/dropped-files.ts';
import { problemOf } from '../../src/studio/state/problem.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { rawZip } from '../corpus/raw-zip.ts';
import { openClient } from './small-run.ts';

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const file = (name: string, ...parts: (string | Uint8Array<ArrayBuffer>)[]): File => new File(parts, name);
const zip = (name: string, files: Readonly<Record<string, string | Uint8Array>>): File =>
  file(
    name,
    new Uint8Array(
      zipSync(
        Object.fromEntries(
          Object.entries(files).map(([path, text]) => [path, typeof text === 'string' ? utf8(text) : text]),
        ),
        { level: 9 },
      ),
    ),
  );
const folder = (files: Readonly<Record<string, string>>): ListedFile[] =>
  Object.entries(files).map(([path, text]) => ({ path: `mine/${path}`, file: file(path, text) }));
const golden = async (name: string): Promise<File> => {
  const response = await fetch(`/test/golden/import/${name}`);
  return new File([await response.arrayBuffer()], name);
};

/** A file that was deleted after it had been dropped. */
async function gone(): Promise<File> {
  const root = await navigator.storage.getDirectory();
  const handle = await root.getFileHandle('gone.csv', { create: true });
  const writable = await handle.createWritable();
  await writable.write('id,text\n1,one\n');
  await writable.close();
  const dropped = await handle.getFile();
  await root.removeEntry('gone.csv');
  return dropped;
}

const corpus = '{"_id":"a","text":"one"}\n{"_id":"b","text":"two"}\n';
const beir = {
  'corpus.jsonl': corpus,
  'queries.jsonl': '{"_id":"q","text":"which"}\n',
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq\ta\t1\n',
};

interface Case {
  readonly items: () => DroppedItem | readonly File[] | Promise<DroppedItem>;
  /** The sentence that says what is wrong, with file and line. */
  readonly text: RegExp;
  readonly remedy: RegExp;
}

const cases: Readonly<Record<string, Case>> = {
  'a file that is gone': {
    items: gone,
    text: /^gone\.csv: (no longer exists|was changed or removed after it was dropped)/,
    remedy: /^Drop it again/,
  },
  'an empty file': {
    items: () => file('a.txt'),
    text: /^a\.txt: is empty\.$/,
    remedy: /^Use a file with texts/,
  },
  'a file of white space': { items: () => file('a.csv', ' \n \n'), text: /^a\.csv/, remedy: /^Use / },
  'an empty folder of files': {
    items: () => folder({ 'a.png': 'x' }),
    text: /contains no file that can be imported/,
    remedy: /^Use text, Markdown/,
  },
  'an encrypted PDF': {
    items: () => golden('encrypted.pdf'),
    text: /^encrypted\.pdf: is encrypted/,
    remedy: /^Use a copy without a password/,
  },
  'a PDF without text': {
    items: () => golden('scanned.pdf'),
    text: /^scanned\.pdf: has no text/,
    remedy: /^Use a PDF with a text layer/,
  },
  'an encrypted zip': {
    items: () => file('a.zip', new Uint8Array(rawZip([{ name: 'a.txt', packed: utf8('x'), flags: 1 }]))),
    text: /^a\.zip: "a\.txt" is encrypted/,
    remedy: /^Use the unpacked folder/,
  },
  'a zip that is cut off': {
    items: () => new File([zip('a.zip', beir).slice(0, 120)], 'a.zip'),
    text: /^a\.zip: is not a zip, or was cut off/,
    remedy: /^Re-run with a complete zip/,
  },
  'a zip bomb': {
    items: () => zip('a.zip', { 'a.txt': new Uint8Array(2 ** 23) }),
    text: /^a\.zip: "a\.txt" unpacks from .* to 8 MiB, but the limit/,
    remedy: /^Use /,
  },
  'a zip bomb among the files of a corpus': {
    items: () => zip('a.zip', { ...beir, 'corpus.jsonl': new Uint8Array(2 ** 23) }),
    text: /^a\.zip: "corpus\.jsonl" unpacks from .* to 8 MiB/,
    remedy: /^Use /,
  },
  'another encoding': {
    items: () => file('a.csv', 'id,text\n1,gr', new Uint8Array([0xfc]), 'n\n2,x\n'),
    text: /^a\.csv, line 2: is not valid UTF-8/,
    remedy: /^Save the file as UTF-8/,
  },
  'another encoding in a corpus': {
    items: () => [
      file('corpus.jsonl', corpus, '{"_id":"c","text":"gr', new Uint8Array([0xfc]), 'n"}\n'),
      file('queries.jsonl', beir['queries.jsonl']),
      file('test.tsv', beir['qrels/test.tsv']),
    ],
    text: /^corpus\.jsonl, line 3: is not valid UTF-8/,
    remedy: /^Save the file as UTF-8/,
  },
  'UTF-16 without a mark': {
    items: () => file('a.txt', new Uint8Array([104, 0, 105, 0, 10, 0, 104, 0])),
    text: /^a\.txt: looks like UTF-16 without a byte order mark/,
    remedy: /^Save the file as UTF-8/,
  },
  'a broken row': {
    items: () => file('a.csv', 'id,text\n1,one\n2,two,three\n'),
    text: /^a\.csv, line 3: has 3 columns, but the first row has 2/,
    remedy: /^Fix the row/,
  },
  'a broken JSON line': {
    items: () => file('a.jsonl', corpus, '{"_id":"c","text":\n'),
    text: /^a\.jsonl, line 3: not valid JSON/,
    remedy: /^Fix the line/,
  },
  'a broken row far below what is previewed': {
    items: () =>
      file('a.csv', 'id,text\n', ...Array.from({ length: 30_000 }, (_, i) => `${i},text ${i}\n`), '1,2,3\n'),
    text: /^a\.csv, line 30002: has 3 columns/,
    remedy: /^Fix the row/,
  },
  'a missing column': {
    items: () => file('a.jsonl', '{"image":1,"label":2}\n'),
    text: /^a\.jsonl, line 1: has no column with texts \("image", "label"\)/,
    remedy: /^Choose one as the column of texts/,
  },
  'a row without the column of texts': {
    items: () => file('a.jsonl', corpus, '{"_id":"c","body":"x"}\n'),
    text: /^a\.jsonl, line 3: has no "text"/,
    remedy: /^Fix the line/,
  },
  'an id twice': {
    items: () => file('a.jsonl', corpus, '{"_id":"a","text":"other"}\n'),
    text: /^a\.jsonl, line 3: the id "a" is already used on line 1/,
    remedy: /^Use a unique id/,
  },
  'an id twice in a BEIR zip': {
    items: () => zip('mine.zip', { ...beir, 'corpus.jsonl': `${corpus}{"_id":"a","text":"other"}\n` }),
    text: /^mine\.zip\/corpus\.jsonl, line 3: the id "a" is already used on line 1/,
    remedy: /^Use a unique id/,
  },
  'judgments of unknown documents alone': {
    items: () => [
      file('corpus.jsonl', corpus),
      file('queries.jsonl', beir['queries.jsonl']),
      file('test.tsv', 'query-id\tcorpus-id\tscore\nq\tx\t1\n'),
    ],
    text: /^test\.tsv, line 2: judges the text "x", which no file has/,
    remedy: /^Use texts, queries and judgments of the same collection/,
  },
  'judgments of unknown documents alone in a BEIR zip': {
    items: () => zip('mine.zip', { ...beir, 'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq\tx\t1\n' }),
    text: /^mine\.zip\/qrels\/test\.tsv: none of its 1 judged documents is in corpus\.jsonl/,
    remedy: /^Use /,
  },
  'an Office document': {
    items: () => zip('a.docx', { '[Content_Types].xml': '<x/>' }),
    text: /^a\.docx: is a document of an office program/,
    remedy: /^Save it as/,
  },
  'a Parquet file that is cut off': {
    items: () => file('a.parquet', 'PAR1xxxxxxxxxxxx'),
    text: /^a\.parquet: cannot be read as Parquet/,
    remedy: /^Use a complete file/,
  },
  'a file without a known type': {
    items: () => file('a.bin', new Uint8Array([127, 69, 76, 70, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])),
    text: /^a\.bin: is not text: it contains NUL bytes/,
    remedy: /^Use a text, Markdown/,
  },
};

describe('input that cannot be used', () => {
  let client: TrainingClient;
  const whole = new AbortController().signal;

  beforeAll(async () => {
    client = await openClient();
  });

  /** As the screen does it: what is ready is kept, everything else is previewed and imported. */
  async function take(items: readonly DroppedItem[]): Promise<void> {
    const { ready, preview } = await client.previewImport(items);
    for (const at of ready) await client.keep(items[at] ?? []);
    if (preview !== undefined) {
      await client.importCorpus(
        items.filter((_, at) => !ready.includes(at)),
        {},
        whole,
      );
    }
  }

  it('is refused in one message with file, line and remedy, and nothing of it is kept', async () => {
    const wrong: string[] = [];
    for (const [what, { items, text, remedy }] of Object.entries(cases)) {
      const given = await items();
      const several = Array.isArray(given) && given.every((each) => each instanceof File);
      const error: unknown = await take(several ? given : [given as DroppedItem]).catch(
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof InputError)) {
        wrong.push(`${what}: ${error === undefined ? 'was taken' : messageOf(error)}`);
        continue;
      }
      const problem = problemOf(error);
      if (!text.test(problem.text)) wrong.push(`${what}: ${problem.text}`);
      if (!remedy.test(problem.remedy ?? '')) wrong.push(`${what}: remedy ${problem.remedy ?? ''}`);
      if (/[\n\r]/.test(problem.text)) wrong.push(`${what}: more than one line`);
      const kept = (await client.kept()).filter(({ kind }) => kind !== 'language-model');
      if (kept.length > 0) wrong.push(`${what}: kept ${kept.map(({ name }) => name).join(', ')}`);
      for (const { id } of kept) await client.forgetKept(id);
    }
    expect(wrong).toEqual([]);
  });
});
