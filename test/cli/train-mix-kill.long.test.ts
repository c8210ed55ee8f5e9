/** `train --mix` killed and resumed, with the same mix and with others. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { expectBadInput, runCli } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';
import { mix, mixedTrainings } from './mixed-trainings.ts';

const { folder, command, trainTo, reportOf, weightsOf, writeMix } = mixedTrainings();

it('gives the bits of an unbroken training after a kill, and goes on with the same mix alone', async () => {
  const long = ['--epochs', '40', '--evaluate-every', '10', '--checkpoint-every', '5', '--json'];
  const started = startCli(command('killed', 'mix', ...long));
  await started.untilOutput('step 20: dev');
  expect((await started.kill()).signal).toBe('SIGKILL');

  writeMix('other', { sources: [mix.sources[0], { source: 'written', temperature: 0.2 }] });
  expectBadInput(
    await trainTo('killed', 'other', ...long),
    /killed\.experiment: the experiment was started with different settings: source written was "weight 1, endWeight 0, temperature 0\.2" and is "weight 1, temperature 0\.2"\. Use another --experiment/,
  );
  writeMix('turned', { batches: 'same-source', sources: [...mix.sources].reverse() });
  expectBadInput(
    await trainTo('killed', 'turned', ...long),
    /batches of sources was "mixed" and is "same-source", sources was "mined, written" and is "written, mined"/,
  );
  const plain = ['--lists', join(folder, 'mined.jsonl'), '--out', join(folder, 'killed'), ...long];
  const without = await runCli(['train', '--model', tinyModel('tiny-bert'), ...plain]);
  expectBadInput(without, /batches of sources was "mixed" and is not set/);

  const resumed = await trainTo('killed', 'mix', ...long);
  expect(resumed.stderr).toMatch(/resuming after step \d+: bit-exact\n/);
  const unbroken = reportOf(await trainTo('unbroken', 'mix', ...long));
  const { losses, evaluations } = unbroken;
  expect(reportOf(resumed)).toMatchObject({ losses, evaluations });
  expect(weightsOf('killed')).toEqual(weightsOf('unbroken'));
}, 60_000);
