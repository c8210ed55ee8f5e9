import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSources } from '../architecture/sources.ts';

const root = join(import.meta.dirname, '../..');

/** Ways to say things that no other tool uses; each with what to say instead. */
const phrases: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/the same command (again )?goes on/i, 're-run the same command to resume'],
  [/goes on (where|from there)/i, 'resumes'],
  [/going on after step/i, 'resuming after step'],
  [/once more to end/i, 'press Ctrl+C again to quit now'],
  [/killed work goes on/i, 'interrupted experiments resume'],
  [/times through (the|all) lists/i, 'passes over the training lists'],
  [/lists of a step/i, 'lists per batch'],
  [/is there already/i, 'cached'],
];

function found(text: string): string[] {
  return phrases.flatMap(([phrase, instead]) =>
    [...text.matchAll(new RegExp(phrase, 'gi'))].map(([words]) => `"${words}": say "${instead}"`),
  );
}

it('the command line and the README say things in standard terms', () => {
  const texts = [...readSources()].filter(
    ([file]) => file.startsWith('src/cli/') || file.endsWith('setting-table.ts'),
  );
  expect(texts.length).toBeGreaterThan(40);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  expect([...texts, ['README.md', readme] as const].flatMap(([, text]) => found(text))).toEqual([]);
});

it('finds a phrase that is not one', () => {
  expect(found('ended; the same command goes on from there')).not.toEqual([]);
});
