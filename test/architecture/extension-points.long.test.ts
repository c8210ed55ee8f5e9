/** How many files an extension takes: a contributor's patch is applied to a copy of the sources, compiled and run. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { patchSources } from '../support/patched-sources.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const halved = `
import * as v from 'valibot';
import { derivedLists } from '../lists-report.ts';
import { described, name } from '../schema/parts.ts';
import { defineSource, sourceStage } from '../source.ts';

/** Every other list of another source. */
export const halved = defineSource({
  schema: v.strictObject({
    kind: v.literal('halved'),
    of: described(name, 'Source whose lists are taken.'),
  }),
  parts: ({ of }) => [{ name: of, path: ['of'] }],
  prepare: async (name, { of }, context) => {
    const { lists: taken, expected } = await context.source(of);
    const lists = await sourceStage(name, {
      inputs: { halved: taken.key },
      needs: [taken],
      run: async (workshop) => {
        const all = await workshop.listsOf(taken);
        const { recorded } = (await workshop.resultOf(taken)).value;
        return derivedLists(all.filter((_, i) => i % 2 === 0), recorded);
      },
    });
    return { lists, expected: { ...expected, lists: Math.ceil(expected.lists / 2) } };
  },
});
`;

it('takes one file and its place in the list to add a kind of source', async () => {
  const sources = patchSources({
    'src/recipes/sources/halved.ts': halved,
    'src/recipes/sources/index.ts': (text) =>
      text
        .replace("import { lists } from './lists.ts';", "import { halved } from './halved.ts';\n$&")
        .replace('planted] as const', 'planted, halved] as const'),
  });
  expect(await sources.build()).toBe('');

  const recipe = smallRecipe(recipeCorpus(), {
    seeds: [1],
    sources: { ready: { kind: 'lists', corpusFile: 'lists.jsonl' }, half: { kind: 'halved', of: 'ready' } },
    training: { batches: { batchSize: 4 }, maxSteps: 1, tokensPerMicroBatch: 64 },
    arms: ['ready', 'half'].map((source) => ({ name: source, source, loss: 'infonce' })),
    evaluation: { samples: 1000, depth: 20 },
  });
  const folder = temporaryFolder({
    'recipe.json': JSON.stringify(recipe),
    'wrong.json': JSON.stringify({ ...recipe, sources: { half: { kind: 'halved', of: 'none' } } }),
  });
  const run = (file: string, ...args: string[]) =>
    sources.cli(['run', join(folder, file), '--store', join(folder, 'store'), '--threads', '1', ...args]);
  const { code, stdout, stderr } = await run('recipe.json', '--json');
  expect(code, stderr).toBe(0);
  const { arms } = JSON.parse(stdout) as { arms: readonly { name: string; lists: number }[] };
  const [ready, half] = arms.map(({ lists }) => lists);
  expect(half).toBe(Math.ceil(ready! / 2));
  // Its references are checked without a word of its own.
  expect((await run('wrong.json')).stderr).toContain('sources.half.of: there is no source "none"');
});

it('takes a table entry and the code that reads it to add a training setting', async () => {
  const sources = patchSources({
    'src/training/setting-table.ts': (text) =>
      text.replace(
        '  schedule: {\n',
        `  slowdown: numberSetting(settingRanges.share, {
    title: 'slowdown',
    help: 'Factor on the learning rate.',
    option: 'slowdown',
    placeholder: 'share',
    form: 'more',
    default: 1,
  }),
$&`,
      ),
    'src/training/trainer.ts': (text) =>
      text.replace('= settings.learningRate *', '= (settings.slowdown ?? 1) * settings.learningRate *'),
  });
  expect(await sources.build()).toBe('');
  expect(await sources.checkBrowser()).toBe('');

  const folder = temporaryFolder();
  const lists = join(folder, 'lists.jsonl');
  writeFileSync(lists, listFile(makeLists(24)));
  const train = async (out: string, ...args: string[]) => {
    const { code, stderr } = await sources.cli([
      ...['train', '--model', tinyModel('tiny-bert'), '--lists', lists, '--out', join(folder, out)],
      ...['--batch-size', '4', '--max-steps', '3', '--threads', '1', '--dev-share', '0', ...args],
    ]);
    expect(code, stderr).toBe(0);
    const weights = readFileSync(join(folder, out, 'model.safetensors'));
    return createHash('sha256').update(weights).digest('hex');
  };
  const slow = await train('slow', '--lr', '2e-3', '--slowdown', '0.5');
  expect(slow).toBe(await train('plain', '--lr', '1e-3'));
  expect(slow).not.toBe(await train('fast', '--lr', '2e-3'));
  expect(readFileSync(join(folder, 'slow/README.md'), 'utf8')).toMatch(/slowdown.*0\.5/);
  expect((await sources.cli(['train', '--help'])).stdout).toMatch(
    /--slowdown <share>\s+Factor on the\s+learning/,
  );
  const wrong = await sources.cli(['train', '--slowdown', '2', '--model', 'm', '--lists', 'l', '--out', 'o']);
  expect(wrong.stderr).toBe('error: --slowdown is "2". Give a number from 0 to 1.\n');
  const recipe = smallRecipe(recipeCorpus(), { training: { slowdown: 3 } });
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  const refused = await sources.cli(['run', join(folder, 'recipe.json'), '--plan']);
  expect(refused.stderr).toContain('training.slowdown');
  expect(refused.stderr).toContain('a number from 0 to 1');
});
