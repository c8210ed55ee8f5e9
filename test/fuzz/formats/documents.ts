import { readDocuments, type DocumentOptions } from '../../../src/corpus/documents.ts';
import { lineMutations, jsonLineMutation, repeatMutation, tokenMutation } from '../mutate.ts';
import { collect, jsonLines, source, utf8, type FuzzFormat } from '../format.ts';

const documents = Array.from({ length: 5 }, (_, i) => ({
  _id: `d${i}`,
  title: i % 2 ? `Title ${i}` : '',
  text: `The text of document ${i}, with "quotes", \\ and ünïcödé.`,
  metadata: { url: 'x', n: i },
}));
const tsv = documents.map(({ _id, text }) => `${_id}\t${text}`).join('\n');
const rows = documents.map((d) => `${d._id},"${d.title}","${d.text.replaceAll('"', '""')}\nmore"`);
const csv = ['_id,title,text', ...rows].join('\r\n');
const text = [...tsv.split('\n'), '', 'A second paragraph', 'of two lines', '', 'A third'].join('\n');
const textMutations = [...lineMutations, tokenMutation, repeatMutation];

function documentFormat(
  name: string,
  what: string,
  file: string,
  examples: FuzzFormat['examples'],
  options: DocumentOptions = {},
): FuzzFormat {
  return {
    name,
    what,
    readers: [
      'src/corpus/documents.ts',
      'src/corpus/lines.ts',
      'src/corpus/json-record.ts',
      'src/corpus/table.ts',
    ],
    examples,
    mutations: name === 'corpus-jsonl' ? [...textMutations, jsonLineMutation] : textMutations,
    read: (input) => collect(readDocuments(source(file, input), options)),
  };
}

export const documentFormats: readonly FuzzFormat[] = [
  documentFormat('corpus-jsonl', 'a corpus as JSON lines', 'corpus.jsonl', [
    jsonLines(documents),
    jsonLines(documents.map(({ _id, text: contents }, i) => ({ id: i, contents, tag: _id }))),
  ]),
  documentFormat('corpus-csv', 'a corpus as CSV', 'corpus.csv', [
    utf8(csv),
    utf8(csv.replaceAll('\r\n', '\n').replaceAll(',', ';')),
  ]),
  documentFormat('corpus-tsv', 'a corpus as TSV', 'corpus.tsv', [utf8(tsv), utf8(`id\ttext\n${tsv}\n`)]),
  documentFormat('text-paragraphs', 'plain text, a passage a paragraph', 'corpus.txt', [utf8(text)], {
    maxPassageBytes: 700,
  }),
  documentFormat('text-lines', 'plain text, a passage a line (embed --in)', 'texts.txt', [utf8(text)], {
    unit: 'line',
  }),
];
