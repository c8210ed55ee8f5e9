/** What chooses the checkpoint: `train --dev` and `train --dev-share`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectBadInput, onlyJson, runCli, temporaryFolder, type CliResult } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { tinyModel } from '../support/model-folder.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const all = makeLists(20);
const [trained, chosen] = [all.slice(0, 12), all.slice(12)];

const train = (folder: string, ...args: readonly string[]): Promise<CliResult> =>
  runCli([
    ...['train', '--model', tinyModel('tiny-bert'), '--lists', join(folder, 'lists.jsonl')],
    ...['--batch-size', '4', '--lr', '2e-3', '--threads', '1', '--out', join(folder, 'out'), ...args],
  ]);

describe('train --dev', () => {
  it('chooses by the lists of a file, whose queries are trained on in no list', async () => {
    // A dev query by its id, and another by its text.
    const leaks = [
      { ...all[3]!, query_id: 'q12' },
      { ...all[13]!, query_id: 'renamed', query: `  ${all[13]!.query.toUpperCase()} ` },
    ];
    const folder = temporaryFolder({
      'lists.jsonl': listFile([...trained, ...leaks]),
      'dev.jsonl': listFile(chosen, 'sentence-transformers'),
      'same-ids.jsonl': listFile(chosen),
    });
    // Made from their texts, the ids of the first are none of the training lists'.
    const byText = await train(folder, '--dev', join(folder, 'dev.jsonl'), '--max-steps', '2', '--json');
    expect(byText.code, byText.stderr).toBe(0);
    expect(byText.stderr).toContain(
      'warning: 1 lists were dropped because their query is a dev query, by id or by text',
    );
    expect(byText.stderr).toContain('13 training lists, 8 dev lists; infonce');
    expect(onlyJson(byText)).toMatchObject({
      dev: { before: { ndcg_cut_10: expect.any(Number) as number } },
    });
    const card = readFileSync(join(folder, 'out/README.md'), 'utf8');
    expect(card).toContain('| dev lists | dev.jsonl |');
    expect(card).not.toContain('held-out');

    const other = ['--out', join(folder, 'other'), '--dev', join(folder, 'same-ids.jsonl')];
    const byId = await train(folder, ...other, '--max-steps', '1');
    expect(byId.stderr).toContain('12 training lists, 8 dev lists');

    // The dev lists belong to the experiment.
    writeFileSync(join(folder, 'dev.jsonl'), listFile(chosen.slice(1), 'sentence-transformers'));
    const changed = await train(folder, '--dev', join(folder, 'dev.jsonl'), '--max-steps', '2');
    expect(changed.code).toBe(2);
    expect(changed.stderr).toMatch(/started with different settings: the dev lists have changed\. /);
    const without = await train(folder, '--max-steps', '2');
    expectBadInput(
      without,
      /dev lists was "dev\.jsonl" and is not set, held-out share was not set and is 0\.1/,
    );
  });

  it('takes what mine --split makes of judged queries', async () => {
    const corpus = writeCollection(aerodynamics);
    const folder = temporaryFolder({ 'lists.jsonl': listFile(trained) });
    const dev = join(folder, 'dev.jsonl');
    const mined = await runCli(['mine', '--bm25', '--corpus', corpus, '--split', 'test', '--out', dev]);
    expect(mined.code, mined.stderr).toBe(0);
    const result = await train(folder, '--dev', dev, '--max-steps', '1');
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/dev ndcg_cut_10: \d\.\d+ before/);
  });

  it('refuses lists that cannot choose, or leave nothing to train on', async () => {
    const folder = temporaryFolder({
      'lists.jsonl': listFile(trained),
      'empty.jsonl': '',
      'negatives.jsonl': listFile(
        chosen.map((list) => ({ ...list, documents: list.documents.filter(({ label }) => label === 0) })),
      ),
    });
    const withDev = (name: string, ...more: readonly string[]): Promise<CliResult> =>
      train(folder, '--dev', join(folder, name), ...more);
    expectBadInput(await withDev('nowhere.jsonl'), /nowhere\.jsonl: does not exist/);
    expectBadInput(await withDev('empty.jsonl'), /empty\.jsonl: contains no training lists/);
    expectBadInput(
      await withDev('negatives.jsonl'),
      /negatives\.jsonl: no dev list has a passage labeled positive.*mine --split dev/,
    );
    const same = await withDev('lists.jsonl');
    expect(same.code).toBe(2);
    expect(same.stderr).toMatch(
      /no list is left to train on\. Use other dev lists, or hold out fewer lists\.\n$/,
    );
    const both = await withDev('lists.jsonl', '--dev-share', '0.2');
    expectBadInput(both, /'--dev <file>' cannot be used with option '--dev-share <share>'/);
  });
});

it('train --dev-share says where it cannot hold out what was requested without overlap', async () => {
  const shared = all[0]!.documents[0]!;
  const dense = all.map((list) => ({
    ...list,
    documents: [...list.documents, ...(list === all[0] ? [] : [shared])],
  }));
  const folder = temporaryFolder({ 'lists.jsonl': listFile(dense) });
  const args = ['--duplicates', 'allow', '--max-steps', '1'];
  const result = await train(folder, ...args);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toMatch(
    /^18 training lists, 2 held out.*\nDev: 10% of 20 lists requested \(2\), 2 held out \(2 queries\)\. Most queries share positives/,
  );
  expect(result.stderr).toContain('Still positives in training: 1 of the 3 positives of dev queries.');
});
