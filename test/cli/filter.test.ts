import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ListRecord } from '../../src/corpus/types.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { aerodynamics, writeCollection } from '../support/collection.ts';
import { listOf } from '../lists/lists.ts';

const model = (name: string): string => fileURLToPath(new URL(`../golden/encoders/${name}`, import.meta.url));

const lists = [listOf('a', 0.8, [0.9, 0.5, 0.1]), listOf('b', 0.4, [0.9, 0.3])];
const read = (path: string): ListRecord[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ListRecord);

async function filter(args: readonly string[], input: readonly ListRecord[] = lists) {
  const folder = temporaryFolder({
    'lists.jsonl': input.map((list) => `${JSON.stringify(list)}\n`).join(''),
    'scores.tsv': 'query-id\tcorpus-id\tscore\na\tap\t3\na\tan1\t1\na\tan2\t2\na\tan3\t-4\nb\tbp\t1\n',
  });
  const out = join(folder, 'out.jsonl');
  const result = await runCli(['filter', '--lists', join(folder, 'lists.jsonl'), '--out', out, ...args], {
    cwd: folder,
  });
  return { result, out, written: existsSync(out) ? read(out) : undefined };
}

describe('filter', () => {
  it('writes what stays, and prints what each rule did, with examples', async () => {
    const { result, written } = await filter(['--rules', 'share<=0.95, length>=3']);
    expect(result.code, result.stderr).toBe(0);
    expect(written?.map(({ documents }) => documents.map(({ id, verdicts }) => [id, verdicts]))).toEqual([
      [
        ['ap', { 'length>=3': 'keep' }],
        ['an2', { 'share<=0.95': 'keep', 'length>=3': 'keep' }],
        ['an3', { 'share<=0.95': 'keep', 'length>=3': 'keep' }],
      ],
    ]);
    const lines = result.stdout.trimEnd().split('\n');
    expect(lines.slice(2, 4).map((line) => line.split(/ {2,}/))).toEqual([
      ['share<=0.95', 'passages', '3', '2', '0', 'bm25 2'],
      ['length>=3', 'lists', '1', '1', '0', 'gold 1, bm25 1'],
    ]);
    expect(lines.at(-2)).toBe(
      'length>=3 dropped (2 passages are left): query b "about b", gold bp "positive of b"',
    );
    expect(lines.at(-1)).toBe('kept: 3 of 7 passages, 1 of 2 lists');
  });

  it('marks without taking out; filtering what was marked is as filtering at first', async () => {
    const marked = await filter(['--rules', 'share<=0.5', '--mark', '--json']);
    expect(onlyJson(marked.result)).toMatchObject({
      kept: { passages: 3, lists: 2 },
      report: { rules: [{ rule: 'share<=0.5', counts: { kept: 1, dropped: 4, skipped: 0 } }] },
    });
    expect(marked.written?.flatMap(({ documents }) => documents)).toHaveLength(7);
    const again = await filter(['--rules', 'margin>=0.05'], marked.written);
    const fresh = await filter(['--rules', 'margin>=0.05']);
    expect(again.written).toEqual(fresh.written);
    expect(again.written).toHaveLength(2);
  });

  it('takes scores from a file, scales them and brings raw ones back', async () => {
    const scored = await filter(['--teacher-scores', 'scores.tsv', '--scale', 'query']);
    expect(scored.result.stderr).toBe('warning: scores.tsv has no score for 2 passages\n');
    const [a, b] = scored.written ?? [];
    expect(a?.documents.map(({ teacher_raw }) => teacher_raw)).toEqual([3, 1, 2, -4]);
    expect(a?.documents.map(({ teacher }) => teacher)).toEqual([
      1,
      expect.closeTo(4.85 / 6.82),
      expect.closeTo(5.85 / 6.82),
      0,
    ]);
    expect(b?.documents.map(({ teacher }) => teacher)).toEqual([1, undefined, undefined]);
    const raw = await filter(['--scale', 'none'], scored.written);
    expect(raw.written?.[0]?.documents.map(({ teacher }) => teacher)).toEqual([3, 1, 2, -4]);
    expect(raw.written?.[0]?.documents[0]).not.toHaveProperty('teacher_raw');
  });

  it('scores with an encoder and a cross-encoder', async () => {
    const encoder = await filter(['--teacher', model('tiny-bert')]);
    expect(encoder.result.code, encoder.result.stderr).toBe(0);
    const cosines = encoder.written?.flatMap(({ documents }) =>
      documents.map(({ teacher = NaN }) => teacher),
    );
    expect(cosines).toHaveLength(7);
    expect(cosines?.every((cosine) => Math.abs(cosine) <= 1 && cosine !== 0)).toBe(true);

    const crossEncoder = await filter(['--teacher', model('tiny-cross-encoder')]);
    expect(crossEncoder.result.stderr).toContain('tiny-cross-encoder: cross-encoder\n');
    const logits = crossEncoder.written?.flatMap(({ documents }) => documents.map(({ teacher }) => teacher));
    expect(logits).toHaveLength(7);
    expect(logits).not.toEqual(cosines);
  });

  it('filters what `mine` scored: listwise lists of fused candidates, with a teacher', async () => {
    const out = join(temporaryFolder(), 'mined.jsonl');
    const mined = await runCli([
      ...['mine', '--corpus', writeCollection(aerodynamics), '--split', 'test', '--out', out],
      ...['--bm25', '--model', model('tiny-bert'), '--fuse', '--lists', 'listwise', '--negatives', '2'],
      ...['--teacher', model('tiny-bert'), '--scale', 'file', '--store', `${out}.scores`],
    ]);
    expect(mined.code, mined.stderr).toBe(0);
    const made = read(out);
    expect(made.map(({ documents }) => documents.filter(({ source }) => source === 'fused').length)).toEqual([
      2, 2, 2,
    ]);
    for (const { documents } of made) {
      for (const { source, label, teacher, teacher_raw, ranks } of documents) {
        expect(label).toEqual(source === 'gold' ? expect.any(Number) : undefined);
        expect(teacher).toBeGreaterThanOrEqual(0);
        expect(teacher_raw).toEqual(expect.any(Number));
        expect(ranks).toHaveProperty('dense');
      }
    }
    const { result } = await filter(['--rules', 'rank<=4@dense, positive-overlap<=0.9'], made);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/^rank<=4@dense +lists/m);
  });

  it('refuses bad input and writes nothing', async () => {
    for (const [args, message] of [
      [[], /neither --rules nor --teacher.*--rules/],
      [['--rules', 'shares<=0.9'], /rule "shares<=0\.9": there is no rule "shares"\. Did you mean share/],
      [
        ['--rules', 'share<=0.1, length>=3'],
        /lists\.jsonl: .*no list is left; "share<=0.1" dropped 5 passages/,
      ],
      [['--rules', 'rank<=20'], /no positive of the lists has a rank/],
      [
        ['--rules', 'share<=1', '--mark', '--format', 'tevatron'],
        /--mark writes verdicts, which the format tevatron/,
      ],
      [
        ['--teacher-scores', 'scores.tsv', '--teacher', 'x'],
        /--teacher and --teacher-scores cannot be combined/,
      ],
      [['--teacher-scores', 'lists.jsonl'], /lists\.jsonl:1: "score" is missing/],
    ] as const) {
      const { result, written } = await filter(args);
      expectBadInput(result, message);
      expect(written).toBeUndefined();
    }
    for (const [args, message] of [[['--bm25', '--fuse'], /--fuse needs two retrievers/]] as const) {
      const corpus = writeCollection(aerodynamics);
      expectBadInput(
        await runCli(['mine', '--corpus', corpus, '--out', join(corpus, 'l'), ...args]),
        message,
      );
    }
  });
});

describe('filter with answers, labels and a guide', () => {
  async function judged(files: Record<string, string>, args: readonly string[]) {
    const folder = temporaryFolder({
      'lists.jsonl': lists.map((list) => `${JSON.stringify(list)}\n`).join(''),
      ...files,
    });
    const out = join(folder, 'out.jsonl');
    const result = await runCli(['filter', '--lists', 'lists.jsonl', '--out', out, ...args], { cwd: folder });
    const ids = existsSync(out)
      ? read(out).map(({ documents }) => documents.map(({ id }) => id).join(' '))
      : undefined;
    return { result, ids };
  }

  it('takes them from files and filters by them', async () => {
    const { result, ids } = await judged(
      {
        'answers.tsv': 'a\tnegative 3\n',
        'labels.tsv': 'a\tap\t3\na\tan1\t2\n',
        'hand.jsonl': '{"query_id":"b","id":"bn1","label":1}\n',
        'guide.tsv': 'b\tbp\t0.5\nb\tbn2\t0.6\n',
      },
      [
        ...['--answers', 'answers.tsv', '--model-labels', 'labels.tsv', '--hand-labels', 'hand.jsonl'],
        ...['--guide-scores', 'guide.tsv'],
        ...['--rules', 'answers<=0, model-label<=1, hand-label<=0, guide-margin>=0'],
      ],
    );
    expect(result.code, result.stderr).toBe(0);
    expect(ids).toEqual(['ap an2', 'bp']);
    expect(result.stderr).toContain('answers.tsv has no entry for 1 lists');
    expect(result.stderr).toContain('labels.tsv has no entry for 5 passages');
  });

  it('scores with a guide model', async () => {
    const { result, ids } = await judged({}, ['--guide', model('tiny-bert'), '--rules', 'guide-margin>=0']);
    expect(result.code, result.stderr).toBe(0);
    expect(ids?.every((list) => /^[ab]p/.test(list))).toBe(true);
  });

  it('refuses what does not fit', async () => {
    const files = { 'none.tsv': 'x\ty\t1\n', 'answers.tsv': 'x\tParis\n' };
    expectBadInput(
      (await judged(files, ['--hand-labels', 'none.tsv'])).result,
      /Use labels of the query and document ids of the lists/,
    );
    expectBadInput((await judged(files, ['--answers', 'answers.tsv'])).result, /has no answer to any/);
    expectBadInput(
      (await judged(files, ['--guide', 'nano', '--guide-scores', 'none.tsv'])).result,
      /--guide and --guide-scores/,
    );
    expectBadInput(
      (await judged(files, ['--rules', 'model-label<=1'])).result,
      /no passage has a label from a language model/,
    );
  });
});
