import { InputError } from '../../../src/core/errors.ts';
import { formatRunLines, readRun, type Run } from '../../../src/metrics/run.ts';
import { lineMutations, repeatMutation, tokenMutation } from '../mutate.ts';
import { mustEqual, source, textSource, utf8, type FuzzFormat } from '../format.ts';

const rows = Array.from({ length: 9 }, (_, i) => [
  `q${i % 3}`,
  'Q0',
  `d${i}`,
  1 + Math.floor(i / 3),
  9.5 - i,
  'tag',
]);

export const runFormat: FuzzFormat = {
  name: 'run',
  what: 'a TREC run',
  readers: ['src/metrics/run.ts'],
  examples: [
    utf8(rows.map((row) => `${row.join(' ')}\n`).join('')),
    utf8(`# a comment\n${rows.map((row) => row.join('\t')).join('\r\n')}`),
  ],
  mutations: [...lineMutations, tokenMutation, repeatMutation],
  read: async (input) => {
    const { run, tag } = await readRun(source('a.run', input));
    const lines = writtenAgain(run, tag);
    if (lines === undefined || lines === '') return;
    const again = await readRun(textSource('again.run', lines));
    const scored = (each: Run): unknown =>
      [...each].map(([query, { documents, scores }]) => [query, documents, Array.from(scores, String)]);
    mustEqual(scored(again.run), scored(run), 'a run that was read, written and read again');
  },
};

/** Undefined where an id of it cannot be written, which the writer says. */
function writtenAgain(run: Run, tag: string): string | undefined {
  try {
    return [...run].map(([query, scored]) => formatRunLines(query, scored, tag)).join('');
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
