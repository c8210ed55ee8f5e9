import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectBadInput, runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

// What it writes is held against `train --out` in train.test.ts.

it('export refuses what is no experiment, and folders of other files unless forced', async () => {
  const folder = temporaryFolder({ 'lists.jsonl': listFile(makeLists(8)) });
  const path = (name: string): string => join(folder, name);
  expectBadInput(
    await runCli(['export', '--experiment', path('none'), '--to', path('out')]),
    /none: this is not an experiment folder/,
  );
  expectBadInput(
    await runCli(['export', '--experiment', path('lists.jsonl'), '--to', path('out')]),
    /lists\.jsonl: this is not an experiment folder/,
  );
  expect(readdirSync(folder)).toEqual(['lists.jsonl']);

  // The experiment names its model by the whole path, so that it can be exported from anywhere.
  const model = ['--model', 'tiny-bert', '--batch-size', '4', '--max-steps', '1'];
  const trained = await runCli(['train', ...model, '--lists', path('lists.jsonl'), '--out', path('out')], {
    cwd: join(tinyModel('tiny-bert'), '..'),
  });
  expect(trained.code, trained.stderr).toBe(0);
  mkdirSync(path('mine'));
  writeFileSync(path('mine/thesis.txt'), 'mine');
  const experiment = ['export', '--experiment', path('out.experiment')];
  expectBadInput(await runCli([...experiment, '--to', path('mine')]), /thesis\.txt.*--force/);
  expectBadInput(await runCli([...experiment, '--to', path('lists.jsonl/x')]), /part of the path is a file/);
  expectBadInput(await runCli([...experiment, '--to', path('x'), '--which', 'first']), /--which is "first"/);
  expect(readFileSync(path('mine/thesis.txt'), 'utf8')).toBe('mine');
  expect((await runCli([...experiment, '--to', path('mine'), '--force'], { cwd: folder })).code).toBe(0);
  expect(existsSync(path('mine/thesis.txt'))).toBe(false);
  const card = readFileSync(path('mine/README.md'), 'utf8');
  expect(card).not.toContain(folder);
  expect(card).not.toContain(tinyModel('tiny-bert'));
});
