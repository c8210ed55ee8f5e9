/** A hub below /hub/ of Vite's own server, for tests whose workers ask one. */
import type { ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import { strToU8, zipSync } from 'fflate';
import { answerAsHub, type Datasets, type Misbehavior } from './dataset-hub-answers.ts';

const lines = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');
const corpus = lines(
  { _id: 'd0', title: '', text: 'the tide follows the moon' },
  { _id: 'd1', title: 'Salt', text: 'the sea is salty' },
  { _id: 'd2', title: '', text: 'rivers carry minerals' },
);
const queries = lines(
  { _id: 'q0', text: 'why does the tide follow the moon' },
  { _id: 'q1', text: 'salty sea' },
);
const tsv = 'query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td1\t2\n';
const long = lines(
  ...Array.from({ length: 4000 }, (_, i) => ({
    _id: `l${i}`,
    text: `passage ${i} of a set that comes slowly`,
  })),
);
const whole = { 'corpus.jsonl': corpus, 'queries.jsonl': queries, 'qrels/test.tsv': tsv };

/** Their names say what is wrong with them. */
const datasets: Datasets = {
  'org/set': {
    license: 'cc-by-4.0',
    files: { 'README.md': 'x', 'corpus.jsonl': corpus, 'queries.jsonl': queries },
  },
  'org/set-qrels': { files: { 'README.md': 'x', 'test.tsv': tsv } },
  'org/plain': { isPlain: true, files: whole },
  'org/slow': { files: { ...whole, 'corpus.jsonl': long } },
  'org/gated': { files: whole, refusal: { status: 401, code: 'GatedRepo' } },
  'org/forbidden': { files: whole, refusal: { status: 403, code: 'GatedRepo' } },
  'org/broken-hub': { files: whole, refusal: { status: 418, code: '' } },
  'org/no-text': { files: { 'data/train.jsonl': lines({ image: 1, label: 2 }) } },
  'org/no-data': { files: { 'README.md': 'x', 'corpus.jsonl.gz': 'x' } },
  'org/no-judgments': { files: { 'corpus.jsonl': corpus, 'queries.jsonl': queries } },
  'org/other-bytes': {
    files: { 'set.zip': zipSync({ 'corpus.jsonl': strToU8(corpus) }) },
    lies: { 'set.zip': { sha256: 'a'.repeat(64) } },
  },
  'org/other-size': { files: whole, lies: { 'corpus.jsonl': { size: 7 } } },
  'org/broken-row': { files: { ...whole, 'corpus.jsonl': `${corpus}{"_id": "d3"\n` } },
  'org/huge': { files: whole, lies: { 'corpus.jsonl': { size: 2 ** 31 } } },
};

let open = 0;

/** A file that begins, and never comes to its end by itself. */
const slowly: Misbehavior = (path, response: ServerResponse, bytes) => {
  if (bytes.toString() !== long || path !== 'corpus.jsonl') return false;
  open++;
  response.writeHead(200, { 'content-length': bytes.length });
  let at = 0;
  const timer = setInterval(() => {
    if (at < bytes.length - 10_000) response.write(bytes.subarray(at, (at += 1000)));
  }, 20);
  response.on('close', () => {
    open--;
    clearInterval(timer);
  });
  return true;
};

export const hubForTests: Plugin = {
  name: 'hub',
  configureServer: ({ middlewares }) => {
    middlewares.use('/hub', ({ url = '/' }, response) => {
      const path = decodeURIComponent(new URL(url, 'http://x').pathname);
      // How many slow files are being sent.
      if (path === '/-/open') response.end(String(open));
      else answerAsHub(datasets, path, 0, response, slowly);
    });
  },
};
