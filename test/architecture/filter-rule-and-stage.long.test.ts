/** How many files a filter rule and a stage take: a contributor's patches are applied to copies of the sources and run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import { temporaryFolder } from '../support/cli.ts';
import { patchSources } from '../support/patched-sources.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';

const words = `
import type { PassageRuleDefinition } from './contract.ts';

export const words: PassageRuleDefinition = {
  name: 'words',
  bound: '>=',
  judges: 'passages',
  keeps: 'passages of at least T words',
  threshold: { min: 1, max: 1e6, isWhole: true },
  prepare: (least) => (list) => (at) => {
    const count = (list.others[at]?.text ?? '').split(/\\s+/).length;
    return count >= least ? 'keep' : \`drop: \${count} words\`;
  },
};
`;

it('takes one file and its place in the list to add a filter rule', async () => {
  const sources = patchSources({
    'src/lists/rules/words.ts': words,
    'src/lists/rules/index.ts': (text) =>
      text
        .replace('/** Every kind', "import { words } from './words.ts';\n\n$&")
        .replace('maximumLength,\n]', 'maximumLength,\n  words,\n]'),
  });
  expect(await sources.build()).toBe('');

  const documents = ['one two three', 'one two'].map((text, i) => ({ id: `n${i}`, text, source: 'bm25' }));
  const positive = { id: 'p', text: 'one', label: 1, source: 'gold' };
  const list = { query_id: 'q', query: 'which', documents: [positive, ...documents] };
  const corpus = recipeCorpus();
  const folder = temporaryFolder({
    'lists.jsonl': `${JSON.stringify(list)}\n`,
    'recipe.json': JSON.stringify(smallRecipe(corpus, { filters: { strict: ['words>=0'] } })),
  });
  const filter = (rules: string) =>
    sources.cli([
      ...['filter', '--lists', join(folder, 'lists.jsonl'), '--rules', rules],
      ...['--out', join(folder, 'kept.jsonl')],
    ]);
  expect((await filter('words>=3')).stderr).toBe('');
  const kept = JSON.parse(readFileSync(join(folder, 'kept.jsonl'), 'utf8')) as typeof list;
  expect(kept.documents.map(({ id }) => id)).toEqual(['p', 'n0']);
  expect((await filter('words>=2.5')).stderr).toContain('whole number from 1');
  expect((await sources.cli(['filter', '--help'])).stdout).toMatch(/words>=T +passages of at least T words/);
  // Recipes check it by the same definition.
  const refused = await sources.cli(['run', join(folder, 'recipe.json'), '--plan']);
  expect(refused.stderr).toContain('filters.strict[0]: rule "words>=0"');
});

const shortenedStage = `
import { derivedLists, type ListsReport } from '../lists-report.ts';
import { defineListsStage, type ListsStage } from '../stage.ts';

const shortened = defineListsStage<ListsReport>({
  kind: 'shortened',
  version: 1,
  tables: ({ lists }) => [{ title: 'Shortened', rows: [['lists'], [String(lists)]], words: 0 }],
});

/** Lists with the first words of each passage. */
export function shortenedStage(
  name: string,
  lists: ListsStage<ListsReport>,
  words: number,
): Promise<ListsStage<ListsReport>> {
  return shortened({
    label: \`lists of \${name}, shortened\`,
    inputs: { lists: lists.key, words },
    needs: [lists],
    run: async (workshop) => {
      const all = await workshop.listsOf(lists);
      const { recorded } = (await workshop.resultOf(lists)).value;
      const short = (text: string): string => text.split(' ').slice(0, words).join(' ');
      return derivedLists(
        all.map((list) => ({
          ...list,
          documents: list.documents.map((each) => ({ ...each, text: short(each.text) })),
        })),
        recorded,
      );
    },
  });
}
`;

const shortenedSource = `
import * as v from 'valibot';
import { described, name } from '../schema/parts.ts';
import { defineSource } from '../source.ts';
import { shortenedStage } from '../stages/shortened.ts';

/** The first words of another source's passages. */
export const shortened = defineSource({
  schema: v.strictObject({
    kind: v.literal('shortened'),
    of: described(name, 'Source whose passages are shortened.'),
    words: described(v.pipe(v.number(), v.integer(), v.minValue(1)), 'Words kept of each passage.'),
  }),
  parts: ({ of }) => [{ name: of, path: ['of'] }],
  prepare: async (name, { of, words }, context) => {
    const { lists, expected } = await context.source(of);
    return { lists: await shortenedStage(name, lists, words), expected };
  },
});
`;

it('takes one file to add a stage, and the place where it is used', async () => {
  const sources = patchSources({
    'src/pipeline/stages/shortened.ts': shortenedStage,
    'src/pipeline/sources/shortened.ts': shortenedSource,
    'src/pipeline/sources/index.ts': (text) =>
      text
        .replace("import { lists } from './lists.ts';", "$&\nimport { shortened } from './shortened.ts';")
        .replace('planted] as const', 'planted, shortened] as const'),
  });
  expect(await sources.build()).toBe('');

  const folder = temporaryFolder();
  const recipe = (shortenedWords: number) =>
    smallRecipe(corpus, {
      seeds: [1],
      sources: {
        ready: { kind: 'lists', corpusFile: 'lists.jsonl' },
        short: { kind: 'shortened', of: 'ready', words: shortenedWords },
      },
      training: { batches: { batchSize: 4 }, maxSteps: 1, tokensPerMicroBatch: 64 },
      arms: [{ name: 'short', source: 'short', loss: 'infonce' }],
      evaluation: { samples: 1000, depth: 20 },
    });
  const corpus = recipeCorpus();
  const run = async (shortenedWords: number) => {
    writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe(shortenedWords)));
    const { code, stdout, stderr } = await sources.cli([
      ...['run', join(folder, 'recipe.json'), '--store', join(folder, 'store'), '--threads', '1', '--json'],
    ]);
    expect(code, stderr).toBe(0);
    const { stages, tables } = JSON.parse(stdout) as Pick<RecipeReport, 'stages' | 'tables'>;
    // The report shows its table without knowing the stage.
    expect(tables.map(({ title }) => title)).toEqual(['Shortened']);
    return stages.find(({ label }) => label === 'lists of short, shortened')?.state;
  };
  expect(await run(3)).toBe('computed');
  expect(await run(3)).toBe('stored');
  // Another setting is another result.
  expect(await run(2)).toBe('computed');
});
