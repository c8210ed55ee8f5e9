import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SourceDiagnosis } from '../../src/lists/diagnostics/diagnose.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const model = fileURLToPath(new URL('../golden/encoders/tiny-bert', import.meta.url));
const lists = makeLists(20).map((list) => ({
  ...list,
  documents: list.documents.map((document, i) => (i === 2 ? { ...document, source: 'written' } : document)),
}));

describe('diagnose', () => {
  it('prints a row for each source, and writes CSV', async () => {
    const folder = temporaryFolder({ 'lists.jsonl': listFile(lists) });
    const result = await runCli(['diagnose', 'lists.jsonl', '--model', model, '--out', 'table.csv'], {
      cwd: folder,
    });
    expect(result.code, result.stderr).toBe(0);
    const rows = result.stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows.slice(0, 2).map(([first]) => first)).toEqual(['Source diagnostics', 'source']);
    expect(rows.slice(2, 4).map(([source, passages]) => [source, passages])).toEqual([
      ['bm25', '20'],
      ['written', '20'],
    ]);
    const csv = readFileSync(join(folder, 'table.csv'), 'utf8').trim().split(/\r?\n/);
    expect(csv).toHaveLength(3);
    expect(csv[0]).toMatch(/^source,passages,.*probe AUC,AUC shuffled$/);
  });

  it('prints JSON, from a sample, without a model', async () => {
    const folder = temporaryFolder({ 'lists.jsonl': listFile(lists) });
    const result = await runCli(['diagnose', 'lists.jsonl', '--sample', '5', '--json'], { cwd: folder });
    const { lists: looked, sources } = onlyJson(result) as {
      lists: number;
      sources: SourceDiagnosis[];
    };
    expect(looked).toBe(5);
    expect(sources.map(({ passages, probe }) => [passages, probe])).toEqual([
      [5, null],
      [5, null],
    ]);
  });

  it('refuses lists without positives', async () => {
    const bare = lists.map((list) => ({ ...list, documents: list.documents.slice(1) }));
    const folder = temporaryFolder({ 'lists.jsonl': listFile(bare) });
    expectBadInput(
      await runCli(['diagnose', 'lists.jsonl'], { cwd: folder }),
      /no list has a positive and another passage/,
    );
  });
});
