import { zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { rawZip } from '../corpus/raw-zip.ts';
import { refused } from '../corpus/support.ts';
import { utf8 } from '../fuzz/format.ts';
import type { DetectOptions } from '../../src/import/detect.ts';
import type { ImportItem } from '../../src/import/list-files.ts';
import { file, folder, golden, imported } from './support.ts';

const corpus = '{"_id":"d1","text":"one"}\n';
const queries = '{"_id":"q1","text":"a"}\n';
const deep = '<b>'.repeat(50_000);

interface Case {
  readonly what: string;
  readonly items: ImportItem | readonly ImportItem[];
  readonly message: RegExp;
  readonly options?: DetectOptions;
}

const cases: readonly Case[] = (
  [
    ['an empty file', file('a.txt', ''), /^a\.txt: is empty\. Use /],
    ['a file of white space', file('a.txt', ' \n\n \n'), /^a\.txt: contains no texts\. Use /],
    ['an empty folder', folder('docs', {}), /^docs: contains no file that can be imported\. Use /],
    [
      'a folder of pictures',
      folder('docs', { 'a.png': 'x' }),
      /^docs: contains no file that can be imported/,
    ],
    [
      'Latin-1',
      file('a.csv', new Uint8Array([...utf8('id,text\n1,gr'), 0xfc, ...utf8('n\n2,x\n')])),
      /^a\.csv:2: is not valid UTF-8\. Save/,
    ],
    [
      'UTF-16 without a mark',
      file('a.txt', new Uint8Array([104, 0, 105, 0, 10, 0, 104, 0])),
      /looks like UTF-16 without a byte order mark\. Save/,
    ],
    [
      'half a character of UTF-16',
      file('a.txt', new Uint8Array([0xff, 0xfe, 104, 0, 0])),
      /^a\.txt:1: is not valid UTF-16LE/,
    ],
    [
      'UTF-32',
      file('a.txt', new Uint8Array([0xff, 0xfe, 0, 0, 104, 0, 0, 0])),
      /is UTF-32\. Save the file as UTF-8/,
    ],
    [
      'a program',
      file('a.txt', new Uint8Array([127, 69, 76, 70, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])),
      /is not text: it contains NUL bytes/,
    ],
    [
      'a gzip file',
      file('a.jsonl.gz', new Uint8Array([0x1f, 0x8b, 8, 0])),
      /is compressed with gzip\. Use the unpacked file/,
    ],
    ['an image', file('a.pdf', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10])), /is an image/],
    [
      'a Word document',
      file('a.docx', zipSync({ '[Content_Types].xml': utf8('<x/>') })),
      /is a document of an office program\. Save it as/,
    ],
    [
      'an encrypted PDF',
      golden('encrypted.pdf'),
      /^encrypted\.pdf: is encrypted\. Use a copy without a password/,
    ],
    [
      'a PDF without text',
      golden('scanned.pdf'),
      /^scanned\.pdf: has no text: .*\. Use a PDF with a text layer/,
    ],
    [
      'a broken PDF',
      file('a.pdf', '%PDF-1.4\nnothing'),
      /^a\.pdf: cannot be read as a PDF \(.*\)\. Use a complete file/,
    ],
    ['a PDF that is none', file('a.pdf', 'hello'), /^a\.pdf: is not a PDF file, or is damaged/],
    [
      'a truncated Parquet file',
      file('a.parquet', 'PAR1xxxxxxxxxxxx'),
      /^a\.parquet: cannot be read as Parquet \(it is cut off\)/,
    ],
    [
      'an unknown compression',
      golden('corpus-brotli.parquet'),
      /cannot be read as Parquet \(.*BROTLI\).*snappy, gzip or zstd/,
    ],
    [
      'an encrypted zip',
      file('a.zip', rawZip([{ name: 'a.txt', packed: utf8('x'), flags: 1 }])),
      /^a\.zip: "a\.txt" is encrypted/,
    ],
    [
      'a zip bomb',
      file('a.zip', zipSync({ 'a.txt': new Uint8Array(2 ** 23) }, { level: 9 })),
      /^a\.zip: "a\.txt" unpacks from .* to 8 MiB, but the limit/,
    ],
    [
      'a broken JSON line',
      file('a.jsonl', `${corpus}{"_id":"d2","text":\n`),
      /^a\.jsonl:2: not valid JSON \(.*\)\. Fix the line/,
    ],
    [
      'a JSON array that is cut off',
      file('a.json', '[{"text":"a"},\n{"text":"b"'),
      /^a\.json:2: the JSON is cut off/,
    ],
    ['a JSON array of numbers', file('a.json', '[1, 2]'), /^a\.json:1: expected an array of objects/],
    [
      'a line without text',
      file('a.jsonl', `${corpus}{"_id":"d2","body":"x"}\n`),
      /^a\.jsonl:2: has no "text"\. Fix the line/,
    ],
    [
      'a text that is an object',
      file('a.jsonl', `${corpus}{"_id":"d2","text":{"a":1}}\n`),
      /^a\.jsonl:2: the column "text" is not text \(an object\)/,
    ],
    [
      'an id with a tab',
      file('a.jsonl', `${corpus}{"_id":"d\\t2","text":"x"}\n`),
      /^a\.jsonl:2: the id "d.*" is not valid\. Use an id/,
    ],
    [
      'a row with a column too many',
      file('a.csv', 'id,text\n1,one\n2,two,three\n'),
      /^a\.csv:3: has 3 columns, but the first row has 2/,
    ],
    [
      'an open quotation mark',
      file('a.csv', 'id,text\n1,one\n2,"two\n'),
      /^a\.csv:3: a quotation mark is opened .* not closed/,
    ],
    [
      'ids that occur twice',
      file('a.jsonl', `${corpus}{"_id":"d1","text":"other"}`),
      /^a\.jsonl:2: the id "d1" is already used on line 1\. Use a unique id/,
    ],
    [
      'ids that occur in two files',
      [file('a.jsonl', corpus), file('b.jsonl', '{"_id":"d1","text":"other"}')],
      /^b\.jsonl:1: the id "d1" is already used on line 1 of a\.jsonl/,
    ],
    [
      'a missing column',
      file('a.csv', 'id,contnet\n1,one\n'),
      /^a\.csv: has no column "content"\. Use "contnet", or choose among "id", "contnet"/,
      { columns: { text: ['content'] } },
    ],
    [
      'columns of a text',
      file('a.txt', 'one'),
      /no file has columns\. Remove --columns/,
      { columns: { text: ['content'] } },
    ],
    ['a header alone', file('a.csv', 'id,text\n'), /^a\.csv: contains no rows/],
    [
      'a grade that is none',
      file('a.csv', 'q,t,g\na,b,1\nc,d,high\n'),
      /^a\.csv:3: the grade "high" is not a whole number/,
      { columns: { query: ['q'], text: ['t'], grade: ['g'] } },
    ],
    [
      'training lists',
      file('a.jsonl', '{"query":"a","pos":["b"],"neg":["c"]}'),
      /^a\.jsonl: contains training lists, not texts\. Use it as it is \(command line: --lists/,
    ],
    [
      'queries alone',
      file('queries.jsonl', queries),
      /^queries\.jsonl: contains no texts\. Use the corpus of these queries as well/,
    ],
    [
      'judgments of another collection',
      folder('x', {
        'corpus.jsonl': corpus,
        'queries.jsonl': queries,
        'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\tz9\t1\n',
      }),
      /^x\/qrels\/test\.tsv:2: judges the text "z9", which no file has\. Use texts, queries and judgments of the same collection/,
    ],
    [
      'a query id with two texts',
      folder('x', { 'corpus.jsonl': corpus, 'queries.jsonl': `${queries}{"_id":"q1","text":"b"}` }),
      /^x\/queries\.jsonl:2: the query id "q1" already has another text/,
    ],
    ['tags that are nested too deeply', file('a.html', deep), /^a\.html: is nested deeper than 2048 tags/],
    [
      'a passage that is too long',
      file('a.jsonl', JSON.stringify({ text: 'long '.repeat(300_000) })),
      /^a\.jsonl:1: the passage has 1\.4 MiB of text, but the limit is 1 MiB/,
    ],
  ] as readonly (readonly [string, Case['items'], RegExp, DetectOptions?])[]
).map(([what, items, message, options]) => ({ what, items, message, ...(options && { options }) }));

it.each(cases)('$what is refused with file, line and remedy', async ({ items, message, options = {} }) => {
  const said = await refused(imported(items, options));
  expect(said).toMatch(message);
  expect(said).not.toContain('\n');
});
