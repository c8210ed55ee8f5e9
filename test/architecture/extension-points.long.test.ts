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

const echo = `
import { numberSetting, textSetting } from '../../host/setting.ts';
import { settingRanges } from '../../host/setting-ranges.ts';
import { defineGenerator } from '../generator.ts';

/** Writes the first words of what it is asked about. */
export const echo = defineGenerator({
  kind: 'echo',
  title: 'Echo: the first words of a passage',
  about: 'Nothing leaves this process.',
  settings: {
    model: textSetting({
      title: 'voice',
      help: 'Name of the voice.',
      wanted: 'the name of a voice',
      isRequired: true,
      form: 'first',
    }),
    words: numberSetting(settingRanges.count, {
      title: 'words',
      help: 'Number of words. Default: 3.',
      option: 'words',
      default: 3,
      form: 'more',
    }),
  },
  named: { by: 'model', prefix: 'echo:' },
  describe: ({ model }) => model + ', an echo',
  open: ({ kind, model, words = 3 }) =>
    Promise.resolve({
      description: { kind, model, recorded: false, constrains: false, parallel: 1 },
      load: () => Promise.resolve(),
      unload: () => Promise.resolve(),
      generate: ({ messages }) => {
        const passage = (messages.at(-1)?.content ?? '').split('Target Passage: ').at(-1) ?? '';
        const text = passage.split(/\\s+/).slice(0, words).join(' ') + ' ?';
        return Promise.resolve({ text, finish: 'stop', seconds: 0 });
      },
    }),
});
`;

it('takes one file and its place in the list to add a kind of generator', async () => {
  const sources = patchSources({
    'src/recipes/generators/echo.ts': echo,
    'src/recipes/generators/index.ts': (text) =>
      text
        .replace("import { http } from './http.ts';", "import { echo } from './echo.ts';\n$&")
        .replace('recorded] as const', 'recorded, echo] as const'),
  });
  expect(await sources.build()).toBe('');
  expect(await sources.checkBrowser()).toBe('');

  const corpus = recipeCorpus();
  const folder = temporaryFolder();
  const store = ['--store', join(folder, 'store')];
  const generate = (...args: string[]) =>
    sources.cli([
      ...['generate', '--corpus', corpus, '--prompt', 'c-questions', '--sample', '4'],
      ...[...store, '--out', join(folder, 'lists.jsonl'), ...args],
    ]);
  const written = await generate(
    ...['--generator', 'echo:loud', '--words', '2', '--export-log', join(folder, 'log.jsonl')],
  );
  expect(written.code, written.stderr).toBe(0);
  const [list] = readFileSync(join(folder, 'lists.jsonl'), 'utf8').split('\n');
  expect((JSON.parse(list!) as { query: string }).query).toMatch(/^\S+ \S+ \?$/);
  const help = (await sources.cli(['generate', '--help'])).stdout;
  expect(help).toMatch(/--words <n>\s+Number of words \(default: 3\)/);
  expect(help).toContain('echo:MODEL: Echo: the first words of a passage. Nothing leaves this process.');
  expect((await generate('--generator', 'echo:')).stderr).toContain('Use the name of a voice');
  // Its replies are a recording like any other.
  const replayed = await generate('--generator', `recorded:${join(folder, 'log.jsonl')}`);
  expect(replayed.stdout).toContain('lists by loud, recorded earlier');

  const recipe = smallRecipe(corpus, {
    seeds: [1],
    generators: { writer: { kind: 'echo', model: 'soft', words: 4 } },
    sources: { written: { kind: 'generated', prompts: ['c-questions'], of: { passages: { sample: 8 } } } },
    training: { batches: { batchSize: 4 }, maxSteps: 1, tokensPerMicroBatch: 64 },
    arms: [{ name: 'written', source: 'written', loss: 'infonce' }],
    evaluation: { samples: 1000, depth: 20 },
  });
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  const run = (...args: string[]) =>
    sources.cli(['run', join(folder, 'recipe.json'), ...store, '--threads', '1', ...args]);
  const { code, stdout, stderr } = await run('--json');
  expect(code, stderr).toBe(0);
  const { arms } = JSON.parse(stdout) as { arms: readonly { listsReport: { written: { model: string } } }[] };
  expect(arms[0]!.listsReport.written.model).toBe('soft');
  expect((await run('--set', 'generators.writer.words=0')).stderr).toMatch(
    /generators\.writer\.words: is 0, but must be a whole number from 1/,
  );
});

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
  expect(wrong.stderr).toBe('error: --slowdown is "2". Use a number from 0 to 1.\n');
  const recipe = smallRecipe(recipeCorpus(), { training: { slowdown: 3 } });
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  const refused = await sources.cli(['run', join(folder, 'recipe.json'), '--plan']);
  expect(refused.stderr).toContain('training.slowdown');
  expect(refused.stderr).toContain('a number from 0 to 1');
});
