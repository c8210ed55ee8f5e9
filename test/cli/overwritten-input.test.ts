/** Every command refuses an output that would take the place of one of its inputs, and leaves the input as it was. */
import { cpSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FolderStore } from '../../src/host/node/store.ts';
import { expectBadInput, runCli, temporaryFolder } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { smallRecipe } from '../support/small-recipe.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder with one of everything that a command reads. */
async function place(): Promise<string> {
  const folder = temporaryFolder({
    'lists.jsonl': listFile(makeLists(8)),
    'texts.txt': 'heat\nlight\n',
    'report.json': '{}',
    qrels: 'q1 0 a 1\nq2 0 b 1\n',
    'a.run': 'q1 Q0 a 1 2 t\nq2 Q0 a 1 2 t\n',
    'b.run': 'q1 Q0 a 1 2 t\nq2 Q0 b 1 2 t\n',
    'log.jsonl': '',
  });
  const corpus = writeCollection(aerodynamics);
  cpSync(corpus, join(folder, 'corpus'), { recursive: true });
  cpSync(tinyModel('tiny-bert'), join(folder, 'model'), { recursive: true });
  await (await FolderStore.open(join(folder, 'experiment'))).close();
  mkdirSync(join(folder, 'out/models/listwise'), { recursive: true });
  writeFileSync(join(folder, 'out/models/listwise/lists.jsonl'), listFile(makeLists(8)));
  const recipe = smallRecipe('corpus', {
    sources: { ready: { kind: 'lists', file: 'out/models/listwise/lists.jsonl' } },
    arms: [{ name: 'listwise', source: 'ready', loss: 'infonce' }],
    seeds: [1],
    filters: {},
    evaluation: { samples: 1000, depth: 20 },
  });
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  cpSync(join(root, 'tools/nano/nano.json'), join(folder, 'distill.json'));
  linkSync(join(folder, 'lists.jsonl'), join(folder, 'hard.jsonl'));
  symlinkSync('lists.jsonl', join(folder, 'soft.jsonl'));
  return folder;
}

/** Every file below a folder with what it holds, but for what stores keep of themselves. */
function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !path.includes('.retriever-studio/') && !path.includes('sessions'))
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );
}

const model = ['--model', 'model', '--threads', '1'];
const lists = ['--lists', 'lists.jsonl'];

describe('an output that is an input', () => {
  it.each([
    ['mine --bm25 --corpus corpus --split train --out corpus/corpus.jsonl', 'corpus/corpus.jsonl'],
    ['search --bm25 --corpus corpus --out other/../corpus/qrels/test.tsv', 'corpus/qrels/test.tsv'],
    [['embed', ...model, '--in', 'texts.txt', '--out', 'texts.txt'], 'texts.txt'],
    [['embed', ...model, '--in', 'texts.txt', '--out', 'model/config.json'], 'model/config.json'],
    [['filter', ...lists, '--rules', 'length>=1', '--out', 'hard.jsonl'], 'lists.jsonl'],
    [['filter', ...lists, '--rules', 'length>=1', '--out', 'soft.jsonl'], 'lists.jsonl'],
    ['diagnose lists.jsonl --out lists.jsonl', 'lists.jsonl'],
    ['compare a.run b.run --qrels qrels --csv b.run', 'b.run'],
    ['table report.json --out report.json', 'report.json'],
    [
      'generate --corpus corpus --prompt c-questions --generator recorded:log.jsonl --out o --export-log log.jsonl',
      'log.jsonl',
    ],
    [['train', ...model, ...lists, '--out', 'model', '--force'], 'model'],
    [['train', ...model, ...lists, '--out', '.', '--experiment', '../e', '--force'], 'model'],
    ['export --experiment experiment --to experiment --force', 'experiment'],
    [
      ['distill', 'distill.json', '--teacher', 'model', '--data', '.', '--out', '.', '--force'],
      'distill.json',
    ],
    ['run recipe.json --out out --force --threads 1', 'out/models/listwise/lists.jsonl'],
  ] as const)('is refused by %s', async (command, input) => {
    const folder = await place();
    const before = contents(folder);
    const result = await runCli(typeof command === 'string' ? command.split(' ') : command, { cwd: folder });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /^error: .*: this output( folder)? would (overwrite|replace) an input of the command.*Choose another/m,
    );
    expect(result.stderr).toContain(input.split('/').at(-1));
    expect(contents(folder)).toEqual(before);
  });

  it('is no file beside what a command reads', async () => {
    const folder = await place();
    for (let time = 0; time < 2; time++) {
      const search = ['search', '--bm25', '--corpus', 'corpus', '--out', 'corpus/bm25.run'];
      expect((await runCli(search, { cwd: folder })).code).toBe(0);
    }
  });
});

it.each([
  'compare a.run b.run --qrels qrels --csv table --latex ./table',
  'generate --corpus corpus --prompt c-questions --generator recorded:log.jsonl --out o --export-log o',
])('two outputs in one place are refused: %s', async (command) => {
  const folder = await place();
  expectBadInput(
    await runCli(command.split(' '), { cwd: folder }),
    /^error: .*: two outputs would be written here .*Choose another/,
  );
});
