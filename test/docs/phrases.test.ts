import { readdirSync, readFileSync } from 'node:fs';
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
  [/does it all/i, 'everything runs on the CPU'],
  [/relevant after all/i, 'false negatives'],
  [/did not fit,/i, 'invalid replies'],
  [/(they|a query|queries) counts? 0\b/i, 'score 0'],
  [/measures by comma/i, 'comma-separated measures'],
  [/what (a|the) (recipe|mix|prompt) may hold/i, 'the members of a recipe, mix or prompt'],
  [/is (mended|to be mended)|\bmend (it|them|the)\b/i, 'fix'],
  [/(is|are) both given|is not given\b/i, 'cannot be combined; is missing'],
  [/\bbegun with\b/i, 'started with'],
  [/holds? something else/i, 'has changed'],
  [/where .{1,40} should stand/i, 'expected a …, found …'],
  [/that is no (recipe|model|number)|is no (http|threshold|JSON)/i, 'is not a …'],
  [/\bcan not\b/i, 'cannot'],
  [/some by chance/i, 'a random sample'],
  [/at most, drawn at random/i, 'maximum number of …, sampled at random'],
  [/\bgoes on\b/i, 'resumes, continues'],
  [/\blets? go of\b/i, 'releases'],
  [/\banew\b/i, 'again'],
  [/is no (BERT|tensor|address)\b/i, 'is not a …'],
  [/\*\*ours\*\*|: ours\b|\bof ours\b/i, 'our choice, our own'],
  [/where it (was ended|stands|lies)\b/i, 'where it stopped; in place'],
  [/(close|closes) (a|no) circle/i, 'form a cycle'],
  [/\bstands? (beside|in|for the language)\b/i, 'is in, next to'],
];

/** How remedies must not begin: they say Use, Set, Pass, Choose, Fix, Remove or Re-run. */
const remedy =
  /remedy(?::|=)\s*[`'"](Give|Take|Look|Check|Try|Mend|Correct|See|Say|Name|Write|Leave|Keep|Put)\b[^`'"]*/g;

function found(text: string): string[] {
  return phrases.flatMap(([phrase, instead]) =>
    [...text.matchAll(new RegExp(phrase, 'gi'))].map(([words]) => `"${words}": say "${instead}"`),
  );
}

/** Comments speak to those who change the code. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\/|(^|\s)\/\/.*/g, '');
}

it('commands, messages and guides say things in standard terms', () => {
  const sources = [...readSources()]
    .filter(([file]) => !file.startsWith('src/studio/'))
    .map(([file, text]) => [file, withoutComments(text)] as const);
  expect(sources.length).toBeGreaterThan(200);
  const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
  const guides = ['README.md', 'CONTRIBUTING.md', ...pages.map((file) => `docs/${file}`)].map(
    (file) => [file, readFileSync(join(root, file), 'utf8')] as const,
  );
  expect(
    [...sources, ...guides].flatMap(([file, text]) => found(text).map((line) => `${file}: ${line}`)),
  ).toEqual([]);
});

it('remedies begin with what to do', () => {
  const wrong = [...readSources()]
    .filter(([file]) => !file.startsWith('src/studio/'))
    .flatMap(([file, text]) => [...text.matchAll(remedy)].map(([words]) => `${file}: ${words}`));
  expect(wrong).toEqual([]);
});

it('finds a phrase that is not one', () => {
  expect(found('ended; the same command goes on from there')).not.toEqual([]);
  expect(["remedy: 'Give a file'".match(remedy), "remedy: 'Use a file'".match(remedy)]).toEqual([
    ["remedy: 'Give a file"],
    null,
  ]);
});
