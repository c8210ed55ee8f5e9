import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';

const tinyBert = fileURLToPath(new URL('../golden/encoders/tiny-bert', import.meta.url));

async function mine(args: readonly string[]) {
  const out = join(temporaryFolder(), 'lists.jsonl');
  const result = await runCli(['mine', '--corpus', writeCollection(aerodynamics), '--out', out, ...args]);
  const lines = existsSync(out) ? readFileSync(out, 'utf8').trimEnd().split('\n') : [];
  return { result, out, lists: lines.map((line) => JSON.parse(line) as ListRecord) };
}

describe('mine', () => {
  it('makes lists of positives and negatives, without copies of positives', async () => {
    const { result, lists } = await mine(['--bm25', '--negatives', '2', '--pick', 'top']);
    expect(result.code, result.stderr).toBe(0);
    expect(lists).toEqual([
      {
        query_id: 'q3',
        query: 'swept wing flow',
        documents: [
          {
            id: 'wing',
            text: 'Swept wings the flow over a swept wing at high speed',
            label: 1,
            source: 'gold',
            ranks: { bm25: 1 },
          },
          { id: 'slip', text: 'a wing in a propeller slipstream', label: 0, source: 'bm25', rank: 3 },
          {
            id: 'panel',
            text: 'Panel flutter flutter of heated panels on a wing',
            label: 0,
            source: 'bm25',
            rank: 4,
          },
        ],
      },
      {
        query_id: 'q4',
        query: 'heat in slabs',
        documents: [
          {
            id: 'heat',
            text: 'Heat conduction heat conduction in composite slabs',
            label: 1,
            source: 'gold',
            ranks: { bm25: 1 },
          },
          {
            id: 'panel',
            text: 'Panel flutter flutter of heated panels on a wing',
            label: 0,
            source: 'bm25',
            rank: 2,
          },
        ],
      },
    ]);
    expect(result.stdout).toBe(
      '2 lists with 3 negatives\n' +
        'excluded: 2 relevant candidates, 1 copies of a positive or of the query\n',
    );
    expect(result.stderr).toBe(
      'warning: 1 lists have fewer negatives than --negatives asks for; use wider --ranks\n',
    );
  });

  it('mines with BM25 and an encoder, the same for a seed', async () => {
    const args = [
      '--bm25',
      '--model',
      tinyBert,
      '--split',
      'test',
      '--negatives',
      '1',
      '--seed',
      '3',
      '--json',
    ];
    const first = await mine(args);
    expect(onlyJson(first.result)).toMatchObject({
      report: { lists: 3, skippedQueries: 0 },
    });
    const sources = new Set(first.lists.flatMap(({ documents }) => documents.map(({ source }) => source)));
    expect(sources).toEqual(new Set(['gold', 'bm25', 'dense']));
    expect((await mine(args)).lists).toEqual(first.lists);
  });

  it('writes the lines of other tools, and lists per query', async () => {
    const args = ['--bm25', '--split', 'test', '--negatives', '1', '--pick', 'top'];
    const { lists } = await mine([...args, '--format', 'sentence-transformers']);
    expect(Object.keys(lists[0] ?? {})).toEqual(['anchor', 'positive', 'negative']);
    const perQuery = await mine([...args, '--lists', 'per-query', '--level', '1']);
    expect(perQuery.lists.map(({ documents }) => documents.map(({ label }) => label))).toContainEqual([
      2, 1, 0,
    ]);
  });

  it('makes no list of a test query, by id or by text, unless that split is asked for', async () => {
    const judgments = {
      ...aerodynamics.judgments,
      train: [['q1', 'wing', 1] as const, ...(aerodynamics.judgments.train ?? [])],
    };
    const folder = writeCollection({ ...aerodynamics, judgments });
    const out = join(temporaryFolder(), 'lists.jsonl');
    const mineSplit = (split: string) =>
      runCli(['mine', '--corpus', folder, '--bm25', '--split', split, '--out', out]);
    const train = await mineSplit('train');
    expect(train.code, train.stderr).toBe(0);
    expect(train.stderr).toContain('1 lists were dropped because their query is a test query');
    const queries = (): string[] =>
      readFileSync(out, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as ListRecord).query_id);
    expect(queries()).toEqual(['q3', 'q4']);
    expect((await mineSplit('test')).code).toBe(0);
    expect(queries()).toContain('q1');
  });

  it('refuses bad input and writes nothing', async () => {
    for (const [args, message] of [
      [[], /no retriever was chosen.*--bm25, --model or --vectors/],
      [['--bm25', '--ranks', '5'], /--ranks is "5".*1-50/],
      [['--bm25', '--ranks', '9-2'], /--ranks is "9-2"/],
      [['--bm25', '--level', '3'], /no query of "train" yields a list/],
    ] as const) {
      const { result, out } = await mine(args);
      expectBadInput(result, message);
      expect(existsSync(out)).toBe(false);
    }
  });
});
