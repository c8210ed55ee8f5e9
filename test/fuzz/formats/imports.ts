import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { bytesSource } from '../../../src/core/source.ts';
import { detect } from '../../../src/import/detect.ts';
import { importCorpus } from '../../../src/import/import-corpus.ts';
import { readOrigins } from '../../../src/import/origins.ts';
import { readPdf } from '../../../src/import/pdf.ts';
import { jsonLineMutation, jsonMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { json, jsonLines, source, utf8, type FuzzFormat } from '../format.ts';

const rows = Array.from({ length: 4 }, (_, i) => ({
  id: `d${i}`,
  question: `What is ${i}?`,
  text: `The "text", of ${i}: ünïcödé.`,
  score: 1,
}));
const csv = [
  'id,question,text,score',
  ...rows.map((row) => `${row.id},${row.question},"${row.text.replaceAll('"', '""')}",1`),
];
const markdown =
  '---\ntitle: A\n---\n# Head\n\nText [link](http://x) **b**\n\n```\n# code\n```\n<!-- c -->\nNext\n---\n- item\n> quote\n';
const html =
  '<!doctype html><html><head><title>A &amp; b</title><style>x</style></head><body><nav>n</nav><main><h1>H</h1><p>One' +
  '<br>two</p><ul><li>x</li></ul><svg><title>no</title></svg><!-- c --></main><script>"</script></body></html>';

const origin = {
  hub: 'https://hub.example',
  repositories: [
    {
      ...{ id: 'org/set', revision: '0123', license: null },
      files: [{ path: 'corpus.jsonl', bytes: 12, sha256: null, gitSha1: 'ab' }],
    },
  ],
};

/** The harness runs in the project's root, compiled or not. */
function golden(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(process.cwd(), 'test/golden/import', name)));
}

// pdf.js brings what this engine's prototypes lack, when it is loaded: not the work of an input.
await readPdf(bytesSource('bridge.pdf', golden('bridge.pdf')));

function importFormat(
  name: string,
  what: string,
  file: string,
  readers: readonly string[],
  examples: FuzzFormat['examples'],
  mutations: FuzzFormat['mutations'],
): FuzzFormat {
  return {
    ...{ name, what, examples, mutations },
    readers: [
      ...readers,
      'src/import/sniff.ts',
      'src/import/encoding.ts',
      'src/import/detect.ts',
      'src/import/import-corpus.ts',
    ],
    read: async ({ bytes }) => {
      const corpus = importCorpus(await detect([bytesSource(file, bytes)]), {
        split: { by: 'headings', words: 5, overlap: 2 },
      });
      let texts = 0;
      for await (const { content } of corpus.files())
        for await (const piece of content) texts += piece.length;
      return texts;
    },
  };
}

const textMutations = [...lineMutations, tokenMutation, repeatMutation];
const utf16 = new Uint8Array([
  0xff,
  0xfe,
  ...Array.from('a line\nanother\n', (letter) => [letter.charCodeAt(0), 0]).flat(),
]);

export const importFormats: readonly FuzzFormat[] = [
  importFormat(
    'import-text',
    'plain text of any encoding (import)',
    'a.txt',
    ['src/import/plain-text.ts'],
    [utf8('one\ntwo\n\nthree'), utf16],
    textMutations,
  ),
  importFormat(
    'import-csv',
    'a table with questions as CSV (import)',
    'a.csv',
    ['src/import/tables.ts'],
    [utf8(csv.join('\n'))],
    textMutations,
  ),
  importFormat(
    'import-jsonl',
    'texts as JSON lines (import)',
    'a.jsonl',
    ['src/import/tables.ts'],
    [jsonLines(rows)],
    [...textMutations, jsonLineMutation],
  ),
  importFormat(
    'import-json',
    'texts as a JSON array (import)',
    'a.json',
    ['src/import/json-items.ts'],
    [json(rows), utf8(JSON.stringify(rows, undefined, 1))],
    [...textMutations, jsonMutation],
  ),
  importFormat(
    'import-markdown',
    'a Markdown file (import)',
    'a.md',
    ['src/import/markdown.ts'],
    [utf8(markdown)],
    textMutations,
  ),
  importFormat(
    'import-html',
    'a web page (import)',
    'a.html',
    ['src/import/html.ts'],
    [utf8(html)],
    textMutations,
  ),
  importFormat(
    'import-parquet',
    'a Parquet file (import)',
    'a.parquet',
    ['src/import/parquet.ts'],
    ['none', 'snappy', 'gzip', 'zstd'].map((codec) => golden(`corpus-${codec}.parquet`)),
    [],
  ),
  importFormat(
    'import-pdf',
    'a PDF (import)',
    'a.pdf',
    ['src/import/pdf.ts'],
    [golden('bridge.pdf')],
    textMutations,
  ),
  importFormat(
    'import-zip',
    'a zip of files (import)',
    'a.zip',
    ['src/import/list-files.ts'],
    [zipSync({ 'a/a.md': utf8(markdown), 'a/b.csv': utf8(csv.join('\n')) }, { mtime: new Date(1990, 0, 1) })],
    [],
  ),
  {
    name: 'import-origins',
    what: 'the import.json of a corpus: which data sets of a hub it was made of',
    readers: ['src/import/origins.ts'],
    examples: [json({ origins: [origin] })],
    mutations: [...textMutations, jsonMutation],
    read: (input) =>
      readOrigins({
        name: 'corpus',
        paths: ['import.json'],
        open: (path) => Promise.resolve(source(path, input)),
      }),
  },
];
