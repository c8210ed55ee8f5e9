import { readJudgments } from '../../../src/corpus/judgments.ts';
import { jsonLineMutation, lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { jsonLines, source, utf8, type FuzzFormat } from '../format.ts';

const rows = Array.from({ length: 8 }, (_, i) => [`q${i % 3}`, `d${i}`, i % 3] as const);
const beir = rows.map((row) => row.join('\t')).join('\n');
const textMutations = [...lineMutations, tokenMutation, repeatMutation];

const judgmentFormat = (
  name: string,
  what: string,
  examples: FuzzFormat['examples'],
  mutations: FuzzFormat['mutations'] = textMutations,
): FuzzFormat => ({
  name,
  what,
  readers: ['src/corpus/judgments.ts', 'src/corpus/lines.ts'],
  examples,
  mutations,
  read: (input) => readJudgments(source('qrels', input)),
});

export const judgmentFormats: readonly FuzzFormat[] = [
  judgmentFormat('qrels-trec', 'judgments as TREC qrels', [
    utf8(rows.map(([query, document, grade]) => `${query} 0 ${document} ${grade}\n`).join('')),
    utf8(
      `# comment\n${rows.map(([query, document, grade]) => `${query}\t0\t${document}\t${grade}`).join('\r\n')}`,
    ),
  ]),
  judgmentFormat('qrels-beir', "judgments as BEIR's TSV", [
    utf8(`query-id\tcorpus-id\tscore\n${beir}\n`),
    utf8(beir),
  ]),
  judgmentFormat(
    'qrels-jsonl',
    'judgments as JSON lines',
    [
      jsonLines(
        rows.map(([query, document, score]) => ({ 'query-id': query, 'corpus-id': document, score })),
      ),
    ],
    [...textMutations, jsonLineMutation],
  ),
];
