/** Training on lists of several sources: `train --mix`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectBadInput, runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { files, mix, mixedTrainings } from './mixed-trainings.ts';

const { folder, trainTo, reportOf, weightsOf, writeMix } = mixedTrainings();

describe('train --mix', () => {
  it('trains on lists of two sources, by the weights, temperatures and choices of the mix', async () => {
    const result = await trainTo('m', 'mix', '--epochs', '2', '--json');
    const report = reportOf(result);
    expect(report.steps).toBe(16);
    expect(result.stderr).toMatch(/^32 training lists \(mined \d+, written \d+\), 4 held out; infonce/);
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
    expect(result.stderr).toMatch(/^32 training lists \(all 32\), 4 held out/);
  });

  it('says where ids stand for different queries', async () => {
    const others = makeLists(30)
      .slice(18)
      .map((list, i) => ({ ...list, query_id: `q${i}` }));
    writeFileSync(join(folder, 'others.jsonl'), listFile(others));
    writeMix('three', { sources: [...mix.sources, { source: 'others' }] });
    const args = ['--lists', `others=${join(folder, 'others.jsonl')}`, '--max-steps', '1'];
    const { code, stderr } = await trainTo('three', 'three', ...args);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("warning: 12 query ids, such as 'q0', are used for different queries");
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
      message: /mix\.json: sources\[1\]\.weight: is -1, but must be a number from 0 to 1000000\. Fix the mix/,
    },
    { mix: weights(0, 0), message: /no source of the mix has a weight above 0 at step 1 of 8/ },
    {
      lists: [a, 'writen=written.jsonl'],
      message: /mix\.json: .*no source writen\. Did you mean written\.$/,
    },
    { lists: [a, b, 'x=written.jsonl'], message: /mix\.json: .*no source x\. Use one of mined, written\.$/ },
    { lists: [a], message: /mix\.json: the source written has no lists\. Pass --lists written=FILE, or/ },
    {
      lists: [a, 'written.jsonl'],
      message: /"written\.jsonl", which does not name a source.*NAME=FILE, where NAME is one of/,
    },
    { lists: [a, 'written=nowhere.jsonl'], message: /nowhere\.jsonl: does not exist/ },
    { args: ['--mix', 'mined.jsonl'], message: /mined\.jsonl: is not valid JSON/ },
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
    expectBadInput(result, /--lists was passed 2 times\. Pass one file, or use --mix/);
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
      /mix\.json: the source written of the mix has no lists/,
    );
  });
});
