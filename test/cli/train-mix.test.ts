/** Training on lists of several sources: `train --mix`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, temporaryFolder, type CliResult } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

interface Report {
  readonly steps: number;
  readonly losses: readonly number[];
  readonly evaluations: readonly object[];
}

const all = makeLists(36);
const files = { 'mined.jsonl': listFile(all.slice(0, 24)), 'written.jsonl': listFile(all.slice(24)) };
const mix = {
  batches: 'mixed',
  sources: [
    { source: 'mined', weight: 3, choice: 'easy-to-hard' },
    { source: 'written', endWeight: 0, temperature: 0.2 },
  ],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'studio-train-mix-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  writeMix('mix', {});
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes `NAME.json`, the mix with changes. */
function writeMix(name: string, changes: object): void {
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ ...mix, ...changes }));
}

/** A training of tiny-bert, in `folder`, on both sources by the mix of a file. */
function command(out: string, mixName: string, ...args: readonly string[]): string[] {
  return [
    ...['train', '--model', tinyModel('tiny-bert'), '--mix', join(folder, `${mixName}.json`)],
    ...['mined', 'written'].flatMap((name) => ['--lists', `${name}=${join(folder, `${name}.jsonl`)}`]),
    ...['--batch-size', '4', '--negatives', '1', '--lr', '2e-3', '--threads', '1'],
    ...['--out', join(folder, out), ...args],
  ];
}

const trainTo = (out: string, mixName: string, ...args: readonly string[]): Promise<CliResult> =>
  runCli(command(out, mixName, ...args));
const reportOf = (result: CliResult): Report => onlyJson(result) as Report;
const weightsOf = (out: string): Buffer => readFileSync(join(folder, out, 'model.safetensors'));

describe('train --mix', () => {
  it('trains on lists of two sources, by the weights, temperatures and choices of the mix', async () => {
    const result = await trainTo('m', 'mix', '--epochs', '2', '--json');
    const report = reportOf(result);
    expect(report.steps).toBe(16);
    expect(result.stderr).toMatch(/^32 lists to train on \(mined \d+, written \d+\), 4 held out; infonce/);
    const card = readFileSync(join(folder, 'm/README.md'), 'utf8');
    expect(card).toContain('mined.jsonl, written.jsonl');
    expect(card).toContain('weight 1, endWeight 0, temperature 0.2');

    const changes = {
      weights: { sources: [{ source: 'mined' }, mix.sources[1]] },
      temperature: { sources: [mix.sources[0], { source: 'written', endWeight: 0 }] },
      choice: { sources: [{ source: 'mined', weight: 3, choice: 'top' }, mix.sources[1]] },
      batches: { batches: 'same-source' },
    };
    for (const [name, change] of Object.entries(changes)) {
      writeMix(name, change);
      const { losses } = reportOf(await trainTo(`by-${name}`, name, '--epochs', '2', '--json'));
      expect(losses, name).toHaveLength(16);
      expect(losses, name).not.toEqual(report.losses);
    }
  });

  it('concatenated is the training on one file, and a source may have several', async () => {
    writeMix('heap', { batches: 'concatenated', sources: [{ source: 'mined' }, { source: 'written' }] });
    const heap = reportOf(await trainTo('heap', 'heap', '--json'));
    const one = join(folder, 'one.jsonl');
    writeFileSync(one, Object.values(files).join(''));
    const same = ['--batch-size', '4', '--negatives', '1', '--lr', '2e-3', '--threads', '1', '--json'];
    const train = ['train', '--model', tinyModel('tiny-bert'), ...same];
    const single = await runCli([...train, '--lists', one, '--out', join(folder, 'single')]);
    expect(reportOf(single)).toMatchObject({ losses: heap.losses, evaluations: heap.evaluations });
    expect(weightsOf('single')).toEqual(weightsOf('heap'));

    writeMix('alone', { sources: [{ source: 'all' }] });
    const names = ['mined', 'written'].flatMap((name) => ['--lists', `all=${join(folder, `${name}.jsonl`)}`]);
    const alone = ['--mix', join(folder, 'alone.json'), ...names, '--out', join(folder, 'alone')];
    const result = await runCli([...train, ...alone]);
    expect(result.stderr).toMatch(/^32 lists to train on \(all 32\), 4 held out/);
  });

  it('gives the bits of an unbroken training after a kill, and goes on with the same mix alone', async () => {
    const long = ['--epochs', '40', '--evaluate-every', '10', '--checkpoint-every', '5', '--json'];
    const started = startCli(command('killed', 'mix', ...long));
    await started.untilOutput('step 20: dev');
    expect((await started.kill()).signal).toBe('SIGKILL');

    writeMix('other', { sources: [mix.sources[0], { source: 'written', temperature: 0.2 }] });
    expectBadInput(
      await trainTo('killed', 'other', ...long),
      /killed\.experiment: the experiment was begun with other settings: source written was "weight 1, endWeight 0, temperature 0\.2" and is "weight 1, temperature 0\.2"\. Give another --experiment/,
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
    expect(resumed.stderr).toMatch(/going on after step \d+: bit-exact\n/);
    const unbroken = reportOf(await trainTo('unbroken', 'mix', ...long));
    const { losses, evaluations } = unbroken;
    expect(reportOf(resumed)).toMatchObject({ losses, evaluations });
    expect(weightsOf('killed')).toEqual(weightsOf('unbroken'));
  }, 60_000);

  it('says where ids stand for different queries', async () => {
    const others = makeLists(30)
      .slice(18)
      .map((list, i) => ({ ...list, query_id: `q${i}` }));
    writeFileSync(join(folder, 'others.jsonl'), listFile(others));
    writeMix('three', { sources: [...mix.sources, { source: 'others' }] });
    const args = ['--lists', `others=${join(folder, 'others.jsonl')}`, '--max-steps', '1'];
    const { code, stderr } = await trainTo('three', 'three', ...args);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(
      "warning: 12 query ids stand for different queries, such as 'q0'; where they are",
    );
  });
});

interface Refusal {
  readonly mix?: object;
  readonly lists?: readonly string[];
  readonly args?: readonly string[];
  readonly message: RegExp;
}

describe('train --mix refuses, and leaves nothing behind,', () => {
  const a = 'mined=mined.jsonl';
  const b = 'written=written.jsonl';
  const weights = (mined: number, written: number): object => ({
    sources: [
      { source: 'mined', weight: mined },
      { source: 'written', weight: written },
    ],
  });
  it.each<Refusal>([
    {
      mix: weights(1, -1),
      message:
        /mix\.json: sources\[1\]\.weight: is -1, but must be a number from 0 to 1000000\. docs\/recipes\.md says/,
    },
    { mix: weights(0, 0), message: /No source of the mix is trained on at step 1 of 8/ },
    {
      lists: [a, 'writen=written.jsonl'],
      message: /mix\.json: .*no source writen\. Did you mean written\.$/,
    },
    { lists: [a, b, 'x=written.jsonl'], message: /mix\.json: .*no source x\. Give one of mined, written\.$/ },
    { lists: [a], message: /mix\.json: the source written has no lists\. Give --lists written=FILE, or/ },
    { lists: [a, 'written.jsonl'], message: /"written\.jsonl", without the source.*NAME=FILE with one of/ },
    { lists: [a, 'written=nowhere.jsonl'], message: /nowhere\.jsonl: does not exist/ },
    { args: ['--mix', 'mined.jsonl'], message: /mined\.jsonl: is not JSON/ },
    { args: ['--batch-size', '40'], message: /mix\.json: 32 training rows cannot fill a batch of 40/ },
  ])('$mix $lists $args', async ({ mix: given = mix, lists = [a, b], args = [], message }) => {
    const cwd = temporaryFolder({ ...files, 'mix.json': JSON.stringify(given) });
    const result = await runCli(
      [
        ...['train', '--model', tinyModel('tiny-bert'), '--mix', 'mix.json', '--out', 'out'],
        ...lists.flatMap((each) => ['--lists', each]),
        ...['--batch-size', '4', ...args],
      ],
      { cwd },
    );
    expectBadInput(result, message);
    expect(readdirSync(cwd).sort()).toEqual(['mined.jsonl', 'mix.json', 'written.jsonl']);
  });

  it('several files without a mix', async () => {
    const cwd = temporaryFolder(files);
    const train = ['train', '--model', tinyModel('tiny-bert'), '--out', 'out'];
    const result = await runCli([...train, '--lists', 'mined.jsonl', '--lists', 'written.jsonl'], { cwd });
    expectBadInput(result, /--lists is given 2 times\. Give one file, or --mix with how/);
    expect(readdirSync(cwd).sort()).toEqual(['mined.jsonl', 'written.jsonl']);
  });

  it('a source of which nothing is left to train on', async () => {
    const few = makeLists(40).slice(36, 37);
    const cwd = temporaryFolder({ ...files, 'few.jsonl': listFile(few), 'mix.json': JSON.stringify(mix) });
    const train = ['train', '--model', tinyModel('tiny-bert'), '--out', 'out', '--mix', 'mix.json'];
    const lists = ['--lists', a, '--lists', 'written=few.jsonl', '--batch-size', '2'];
    const results = await Promise.all(
      ['0', '1', '2'].map((seed) =>
        runCli([...train, ...lists, '--dev-share', '0.9', '--seed', seed], { cwd }),
      ),
    );
    expect(results.map(({ stderr }) => stderr).join('')).toMatch(
      /mix\.json: all lists of the source written are held out\. Give a smaller --dev-share, or leave/,
    );
  });
});
