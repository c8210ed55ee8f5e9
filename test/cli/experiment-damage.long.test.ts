import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

it('a damaged byte in the description of an experiment stops neither its export nor its training', async () => {
  const folder = temporaryFolder({ 'lists.jsonl': listFile(makeLists(40)) });
  const path = (name: string): string => join(folder, name);
  const command = [
    ...['train', '--model', tinyModel('tiny-bert'), '--lists', path('lists.jsonl'), '--out', path('out')],
    ...['--batch-size', '4', '--epochs', '2000', '--evaluate-every', '4', '--checkpoint-every', '4'],
  ];
  const train = async (evaluations: number): Promise<string> => {
    const training = startCli(command);
    await training.untilOutput(new RegExp(`(step \\d+: dev[^]*?){${evaluations}}`));
    await training.kill();
    return training.stderr();
  };
  const exported = () =>
    runCli(['export', '--experiment', path('out.experiment'), '--to', path('copy'), '--force']);
  await train(3);

  const records = path('out.experiment/records/experiment');
  const states = readdirSync(records)
    .map((name) => join(records, name))
    .filter((file) => readFileSync(file).length > 100);
  const newest = states.at(-1) ?? '';
  const bytes = readFileSync(newest);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(newest, bytes);

  const copied = await exported();
  expect(copied, copied.stderr).toMatchObject({ code: 0 });
  expect(copied.stderr).toContain('damaged; continuing from the previous commit');
  expect(await train(1)).toContain('after step');
  // The training that went on has made a copy again.
  expect(await exported()).toMatchObject({ code: 0, stderr: '' });
});
