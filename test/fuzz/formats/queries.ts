import { readQueries } from '../../../src/corpus/queries.ts';
import { jsonLineMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { jsonLines, source, utf8, type FuzzFormat } from '../format.ts';

const texts = ['what is a volcano', 'how "hot" is lava', 'größte Städte', 'why'];

export const queryFormats: readonly FuzzFormat[] = [
  {
    name: 'queries-jsonl',
    what: 'queries as JSON lines',
    readers: ['src/corpus/queries.ts', 'src/corpus/json-record.ts'],
    examples: [
      jsonLines(texts.map((text, i) => ({ _id: `q${i}`, text, metadata: {} }))),
      jsonLines(texts.map((query, i) => ({ qid: i, query }))),
    ],
    mutations: [...lineMutations, tokenMutation, repeatMutation, jsonLineMutation],
    read: (input) => readQueries(source('queries.jsonl', input)),
  },
  {
    name: 'queries-tsv',
    what: 'queries as lines of id, tab and text (TREC topics)',
    readers: ['src/corpus/queries.ts'],
    examples: [utf8(texts.map((text, i) => `${i}\t${text}\n`).join(''))],
    mutations: [...lineMutations, tokenMutation, repeatMutation],
    read: (input) => readQueries(source('queries.tsv', input)),
  },
];
