import { ProcessIo } from '../../src/cli/io.ts';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ListFormat } from '../../src/corpus/lists.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { readGoldenEncoder } from '../encoders/golden-encoder.ts';
import { onlyJson, runCli, type CliResult } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli, type StartedProcess } from '../support/processes.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

interface Report {
  readonly model: string;
  readonly experiment: string;
  readonly steps: number;
  readonly bestStep: number;
  readonly endedBy: string;
  readonly losses: readonly number[];
  readonly evaluations: readonly { readonly step: number; readonly values: Record<string, number> }[];
  readonly bitExact: boolean;
}

const tinyBert = tinyModel('tiny-bert');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'studio-train-'));
  writeFileSync(join(folder, 'lists.jsonl'), listFile(makeLists(24)));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A training of tiny-bert whose output is `folder/out`. */
function command(out: string, ...args: readonly string[]): string[] {
  const lists = args.includes('--lists') ? [] : ['--lists', join(folder, 'lists.jsonl')];
  const fixed = ['--model', tinyBert, '--batch-size', '4', '--lr', '2e-3', '--threads', '1'];
  return ['train', ...lists, ...fixed, '--out', join(folder, out), ...args];
}

function trainTo(out: string, ...args: readonly string[]): Promise<CliResult> {
  return runCli(command(out, ...args));
}

function reportOf(result: CliResult): Report {
  return onlyJson(result) as Report;
}

function weightsOf(out: string): Buffer {
  return readFileSync(join(folder, out, 'model.safetensors'));
}

describe('train', () => {
  it('writes a model that embed, search and export open, and says how it went', async () => {
    const settings = ['--epochs', '3', '--dropout', '0.1', '--lr', '1e-2', '--json'];
    const result = await trainTo('m', ...settings);
    const report = reportOf(result);
    expect(report).toMatchObject({
      model: join(folder, 'm'),
      experiment: join(folder, 'm.experiment'),
      steps: 15,
      endedBy: 'steps',
      bitExact: true,
    });
    expect(report.losses).toHaveLength(15);
    expect(report.evaluations.map(({ step }) => step)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 15]);
    expect(report.bestStep).toBeGreaterThan(0);
    expect(result.stderr).toMatch(/^22 training lists, 2 held out; infonce; on cpu\nstep 0: dev ndcg/);
    expect(weightsOf('m')).not.toEqual(readFileSync(join(tinyBert, 'model.safetensors')));
    expect(readFileSync(join(folder, 'm/README.md'), 'utf8')).toMatch(/ndcg\\?_cut\\?_10/);

    const vectors = join(folder, 'm.npy');
    const lists = join(folder, 'm-texts.txt');
    writeFileSync(lists, 'light and heat\nwater\n');
    const embedded = await runCli([
      'embed',
      '--model',
      report.model,
      '--in',
      lists,
      '--out',
      vectors,
      '--json',
    ]);
    expect(onlyJson(embedded)).toMatchObject({ texts: 2, dimensions: 16 });
    const run = join(folder, 'm.run');
    const corpus = writeCollection(aerodynamics);
    const searched = await runCli(['search', '--model', report.model, '--corpus', corpus, '--out', run]);
    expect(searched.code, searched.stderr).toBe(0);

    const exported = await runCli([
      'export',
      '--experiment',
      report.experiment,
      '--to',
      join(folder, 'x'),
      '--json',
    ]);
    expect(onlyJson(exported)).toEqual({ model: join(folder, 'x'), step: report.bestStep });
    expect(weightsOf('x')).toEqual(weightsOf('m'));
    expect(readdirSync(join(folder, 'x')).sort()).toEqual(readdirSync(join(folder, 'm')).sort());
    const latest = ['--to', join(folder, 'latest'), '--which', 'latest', '--json'];
    expect(onlyJson(await runCli(['export', '--experiment', report.experiment, ...latest]))).toMatchObject({
      step: 15,
    });

    // Run again it has nothing left to do, and gives the same again.
    const again = await trainTo('m', ...settings);
    const untimed = { trainingSeconds: 0, speed: {} };
    expect({ ...reportOf(again), ...untimed }).toEqual({ ...report, ...untimed });
    expect(again.stderr).toContain('already finished, after step 15; nothing is left to train');
    expect(weightsOf('m')).toEqual(weightsOf('x'));
  });

  it('prints a summary for people', async () => {
    const result = await trainTo('people', '--max-steps', '2');
    expect(result.stdout).toMatch(
      /^people: 2 steps, ended by steps\n[\d.]+ pairs\/s, \d+ tokens\/s, \d+ % of .*\n.*best.*\ndev ndcg_cut_10: 0\.\d{4} before, 0\.\d{4} after\n/,
    );
  });

  it('reads the lists of other tools, to the same losses', async () => {
    const losses: Record<string, readonly number[]> = {};
    for (const format of ['studio', 'sentence-transformers', 'tevatron', 'flagembedding'] as ListFormat[]) {
      const lists = join(folder, `${format}.jsonl`);
      writeFileSync(lists, listFile(makeLists(8), format));
      const args = ['--lists', lists, '--max-steps', '2', '--dev-share', '0', '--json'];
      losses[format] = reportOf(await trainTo(format, ...args)).losses;
    }
    expect(losses.studio).toHaveLength(2);
    for (const [format, values] of Object.entries(losses)) expect(values, format).toEqual(losses.studio);
  });

  it('merges LoRA into the model it writes', async () => {
    const report = reportOf(
      await trainTo('lora', '--train', 'lora', '--lora-rank', '2', '--epochs', '2', '--json'),
    );
    const { tensors } = readSafetensors(new Uint8Array(weightsOf('lora')), 'lora');
    expect([...tensors.keys()].sort()).toEqual([...readGoldenEncoder('tiny-bert').parameters.keys()].sort());
    await runCli(['export', '--experiment', report.experiment, '--to', join(folder, 'lora-export')]);
    expect(weightsOf('lora-export')).toEqual(weightsOf('lora'));
  });

  it('replaces a folder of other files only by --force', async () => {
    const out = join(folder, 'forced');
    expect((await trainTo('forced', '--max-steps', '1')).code).toBe(0);
    writeFileSync(join(out, 'notes.txt'), 'mine');
    const refused = await trainTo('forced', '--max-steps', '1');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^error: .*notes\.txt.*pass --force .*\.\n$/);
    expect(readFileSync(join(out, 'notes.txt'), 'utf8')).toBe('mine');
    expect((await trainTo('forced', '--max-steps', '1', '--force')).code).toBe(0);
    expect(readdirSync(out)).not.toContain('notes.txt');
  });
});

/** A training long enough to come in between. */
const long = ['--epochs', '40', '--evaluate-every', '5', '--checkpoint-every', '5', '--dropout', '0.1'];

async function startLong(out: string, ...args: readonly string[]): Promise<StartedProcess> {
  const started = startCli(command(out, ...long, ...args));
  await started.untilOutput('step 5: dev');
  return started;
}

describe('a training that is interrupted', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'ends after its step on %s, and goes on by the same command to the same bits',
    async (signal, code) => {
      const started = await startLong(signal, '--json');
      started.signal(signal);
      expect(await started.ended).toEqual({ code, signal: null });
      expect(started.stderr()).toContain('saving a checkpoint and stopping after this step');
      const { steps, ...ended } = JSON.parse(started.stdout()) as { steps: number };
      expect(ended).toEqual({ experiment: join(folder, `${signal}.experiment`), endedBy: 'request' });
      expect(steps).toBeGreaterThanOrEqual(5);
      expect(readdirSync(folder)).not.toContain(signal);
      const latest = ['--to', join(folder, `${signal}-latest`), '--which', 'latest', '--json'];
      const experiment = join(folder, `${signal}.experiment`);
      expect(onlyJson(await runCli(['export', '--experiment', experiment, ...latest]))).toMatchObject({
        step: steps,
      });

      if (signal === 'SIGTERM') return;
      const resumed = await trainTo(signal, ...long, '--json');
      expect(resumed.stderr).toContain(`resuming after step ${steps}: bit-exact\n`);
      const unbroken = await trainTo('unbroken', ...long, '--json');
      const { losses, evaluations, bestStep } = reportOf(unbroken);
      expect(reportOf(resumed)).toMatchObject({ losses, evaluations, bestStep });
      expect(weightsOf(signal)).toEqual(weightsOf('unbroken'));
    },
  );

  it('ends at once when asked twice', async () => {
    const started = await startLong('twice');
    started.signal('SIGINT');
    started.signal('SIGINT');
    expect((await started.ended).code).toBe(130);
  });

  it('goes to the process that was started last; the other one says so', async () => {
    const first = await startLong('fenced');
    const second = startCli(command('fenced', ...long));
    await second.untilOutput('resuming after step');
    expect((await first.ended).code).toBe(1);
    expect(first.stdout()).toBe('');
    const last = first.stderr().trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^error: .*fenced\.experiment: another process has taken over this experiment/);
    second.signal('SIGINT');
    expect((await second.ended).code).toBe(130);
  });

  it('is not disturbed by an export', async () => {
    const started = await startLong('exported');
    const to = join(folder, 'exported-early');
    const experiment = join(folder, 'exported.experiment');
    expect((await runCli(['export', '--experiment', experiment, '--to', to])).code).toBe(0);
    started.signal('SIGINT');
    expect((await started.ended).code, started.stderr()).toBe(130);
  });
});

describe('an experiment', () => {
  it('refuses every other setting that changes numbers, by name', async () => {
    expect((await trainTo('settings', '--max-steps', '2')).code).toBe(0);
    const before = weightsOf('settings');
    const others = join(folder, 'others.jsonl');
    writeFileSync(others, listFile(makeLists(23)));
    const changes: readonly (readonly [option: string, value: string, said: string])[] = [
      ['--model', tinyModel('tiny-distilbert'), 'model'],
      ['--lists', others, 'the training lists have changed'],
      ['--loss', 'infonce(temperature=0.1)', 'loss was "infonce" and is "infonce(temperature=0.1)"'],
      ['--similarity', 'dot', 'similarity'],
      ['--epochs', '2', 'epochs was 1 and is 2'],
      ['--max-steps', '3', 'maximum steps was 2 and is 3'],
      ['--batch-size', '5', 'batch size'],
      ['--negatives', '1', 'negatives was "all" and is 1'],
      ['--pick', 'stratified', 'negative sampling was "random" and is "stratified"'],
      ['--row-per', 'list', 'rows per'],
      ['--duplicates', 'allow', 'duplicate passages in a batch'],
      ['--lr', '1e-3', 'learning rate'],
      ['--schedule', 'cosine', 'schedule'],
      ['--warmup', '0.2', 'warm-up'],
      ['--floor', '0.1', 'final learning rate (fraction)'],
      ['--weight-decay', '0.1', 'weight decay'],
      ['--clip', '2', 'maximum gradient norm'],
      ['--dropout', '0.2', 'dropout'],
      ['--train', 'last-1', 'trainable parameters was "all" and is "last-1"'],
      ['--dev-share', '0.2', 'held-out share'],
      ['--evaluate-every', '7', 'steps between evaluations'],
      ['--patience', '3', 'patience was "no limit" and is 3'],
      ['--micro-batch-tokens', '64', 'tokens per micro-batch'],
      ['--seed', '1', 'seed was 0 and is 1'],
      ['--pooling', 'cls', 'pooling'],
      ['--normalize', 'no', 'normalize'],
      ['--query-prefix', 'q', 'queryPrefix was "" and is "q"'],
      ['--passage-prefix', 'p', 'passagePrefix'],
      ['--max-query-length', '8', 'queryMaxLength'],
      ['--max-passage-length', '9', 'passageMaxLength'],
    ];
    const result = await runCli(
      command('settings', ...changes.flatMap(([option, value]) => [option, value])),
    );
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr.trimEnd()).not.toContain('\n');
    for (const [, , said] of changes) expect(result.stderr).toContain(said);
    expect(result.stderr).toContain(
      'Use another --experiment folder, or the settings that it was started with',
    );
    expect(weightsOf('settings')).toEqual(before);

    // What is left out of that list has no say in the numbers, or is said to.
    const kept = ['--checkpoint-every', '1', '--activation-memory', '1', '--device', 'cpu'];
    expect((await trainTo('settings', '--max-steps', '2', ...kept)).code).toBe(0);
    const threads = await trainTo('settings', '--max-steps', '2', '--threads', '2', '--json');
    expect(reportOf(threads).bitExact).toBe(false);
    expect(threads.stderr).toContain('warning: not bit-exact from step 2 because threads was 1 and is 2');
  });

  it('is known again where an earlier version began it, which called its settings something else', async () => {
    expect((await trainTo('renamed', '--max-steps', '2')).code).toBe(0);
    const { Experiment } = await import('../../src/cli/experiment.ts');
    const experiment = await Experiment.open(join(folder, 'renamed.experiment'), new ProcessIo());
    const description = (await experiment.description())!;
    await experiment.takeOver();
    const { hyperparameters } = description;
    const former = {
      ...{ epochs: 1, 'steps at most': 2, 'batch size': hyperparameters['batch size']! },
      ...{ 'a row per': 'positive', negatives: 'all', 'negatives picked': 'random' },
      ...{ 'same passage twice in a batch': 'avoid', similarity: 'cosine', schedule: 'linear' },
      ...{ 'learning rate': hyperparameters['learning rate']!, 'warm-up': 0.1, floor: 0 },
      ...{ 'weight decay': 0.01, 'gradient norm at most': 1, dropout: 0, trains: 'all' },
      ...{ 'held-out share': hyperparameters['held-out share']!, patience: 'no limit', seed: 0 },
      'steps between evaluations': hyperparameters['steps between evaluations']!,
      'tokens of a micro-batch': 512,
    };
    await experiment.describe({ ...description, hyperparameters: former });
    await experiment.close();
    const again = await trainTo('renamed', '--max-steps', '2');
    expect(again, again.stderr).toMatchObject({ code: 0 });
    const other = await trainTo('renamed', '--max-steps', '2', '--beta1', '0.8');
    expect(other.stderr).toContain('beta1 was 0.9 and is 0.8');
  });
});
