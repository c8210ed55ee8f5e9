import { readAnswers } from '../../../src/lists/answers.ts';
import { readGivenLabels } from '../../../src/lists/given-labels.ts';
import { readTeacherScores } from '../../../src/lists/teacher-scores.ts';
import { jsonLineMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { jsonLines, source, utf8, type FuzzFormat } from '../format.ts';

const textMutations = [...lineMutations, tokenMutation, repeatMutation, jsonLineMutation];
const pairs = Array.from({ length: 6 }, (_, i) => [`q${i % 2}`, `d${i}`, i / 4] as const);
const tsv = pairs.map((row) => row.join('\t')).join('\n');

/** Files that are given beside lists: scores, labels and answers. */
export const pairFormats: readonly FuzzFormat[] = [
  {
    name: 'teacher-scores',
    what: 'scores of a teacher that ran elsewhere',
    readers: ['src/lists/pair-numbers.ts'],
    examples: [
      utf8(`query_id\tid\tscore\n${tsv}\n`),
      jsonLines(pairs.map(([query_id, id, score]) => ({ query_id, id, score }))),
    ],
    mutations: textMutations,
    read: (input) => readTeacherScores(source('scores.tsv', input)),
  },
  {
    name: 'given-labels',
    what: 'labels that a model or people gave',
    readers: ['src/lists/pair-numbers.ts'],
    examples: [utf8(tsv), jsonLines(pairs.map(([query_id, id, label]) => ({ query_id, id, label })))],
    mutations: textMutations,
    read: (input) => readGivenLabels(source('labels.tsv', input)),
  },
  {
    name: 'answers',
    what: 'answers of queries',
    readers: ['src/lists/answers.ts'],
    examples: [
      utf8('q1\tParis\nq1\tParis, France\nq2\tRome\n'),
      jsonLines([
        { query_id: 'q1', answers: ['Paris', 'Paris, France'] },
        { query_id: 'q2', answers: 'Rome' },
      ]),
    ],
    mutations: textMutations,
    read: (input) => readAnswers(source('answers.tsv', input)),
  },
];
