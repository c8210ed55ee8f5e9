import { describe, expect, it } from 'vitest';
import type { PairResult } from '../../src/metrics/compare-systems.ts';
import { conclusions } from '../../src/metrics/comparison-text.ts';
import { reportMarkdown } from '../../src/pipeline/report-markdown.ts';
import type { FoundPassage } from '../../src/studio/protocol.ts';
import { CurveCollector, thin } from '../../src/studio/state/curves.ts';
import { capabilities, deviceSentence } from '../../src/studio/words/capabilities.ts';
import { commonBaseline, findings } from '../../src/studio/words/findings.ts';
import { gradeText } from '../../src/studio/words/grades.ts';
import { moveAfter, moveBefore, moveOf } from '../../src/studio/words/moves.ts';
import { aboutSeconds } from '../../src/studio/words/time.ts';
import { report } from '../e2e/canned-run.ts';

it('says of a comparison what reports say, but for names and digits', () => {
  const { results, recipe } = report;
  const { alpha } = recipe.evaluation;
  const plain = conclusions(results.all, alpha);
  expect(plain).toHaveLength(results.all.comparisons.length);
  for (const line of plain) expect(reportMarkdown(report)).toContain(`- ${line}`);
  // The page has three digits and a true minus.
  const onPage = findings(results.all, alpha).map((line) =>
    line
      .replaceAll('−', '-')
      .replaceAll('the untrained encoder', 'untrained')
      .replaceAll(/(?<=[+-]|below )0\.\d{3}/g, '$&0'),
  );
  expect(onPage).toEqual(plain);
});

describe('the marks of passages', () => {
  const ranked = (...ids: string[]): FoundPassage[] =>
    ids.map((id, i) => ({ id, text: id, score: -i, rank: i + 1, grade: undefined }));
  const before = ranked('a', 'b', 'c');
  const after = ranked('c', 'b', 'd');

  it.each([
    [0, 'up 2, from place 3'],
    [1, 'same place'],
    [2, 'new: was below place 3'],
  ])('tells where number %i after comes from', (at, words) => {
    const passage = after[at];
    expect(passage && moveAfter(moveOf(passage, before), before.length).words).toBe(words);
  });

  it.each([
    [0, 'leaves the best 3'],
    [1, 'same place'],
    [2, 'rises to place 1'],
  ])('tells where number %i before goes', (at, words) => {
    const passage = before[at];
    expect(passage && moveBefore(moveOf(passage, after), after.length).words).toBe(words);
  });
});

it('tells grades in words, and that nobody judged', () => {
  expect(gradeText(3, true)).toBe('grade 3: answers fully');
  expect(gradeText(1, false)).toBe('grade 1: relevant');
  expect(gradeText(7, true)).toBe('grade 7');
  expect(gradeText(undefined, true)).toBe('not judged');
});

it.each([
  [0.2, 'a moment'],
  [7.1, 'about 8 s'],
  [41, 'about 45 s'],
  [200, 'about 4 min'],
  [7800, 'about 2 h 10 min'],
])('tells %i seconds as people do', (seconds, text) => {
  expect(aboutSeconds(seconds)).toBe(text);
});

describe('curves', () => {
  it('let later points hold where a training goes back to a checkpoint', () => {
    const collector = new CurveCollector();
    for (const [step, value] of [
      [1, 5],
      [2, 4],
      [3, 3],
      [2, 4.5],
    ] as const) {
      collector.addLoss('listwise', 1, step, 9, value);
    }
    collector.addDev('listwise', 1, 0, 0.5);
    expect(collector.snapshot()).toEqual([
      {
        arm: 'listwise',
        seed: 1,
        totalSteps: 9,
        loss: [
          [1, 5],
          [2, 4.5],
        ],
        dev: [[0, 0.5]],
      },
    ]);
  });

  it('come in the order in which trainings began, whichever takes the first step', () => {
    const collector = new CurveCollector();
    for (const arm of ['contrastive', 'listwise']) collector.begin(arm, 1);
    for (const arm of ['listwise', 'contrastive']) collector.addDev(arm, 1, 0, 0.5);
    expect(collector.snapshot().map(({ arm }) => arm)).toEqual(['contrastive', 'listwise']);
  });

  it('are thinned to means', () => {
    const points = Array.from({ length: 100 }, (_, i) => [i + 1, i % 2] as const);
    expect(thin(points, 10)).toHaveLength(10);
    expect(thin(points, 10).at(-1)).toEqual([100, 0.5]);
    expect(thin(points, 100)).toBe(points);
  });
});

describe('what the device can do', () => {
  it('names what is missing and what to do', () => {
    const lacking = {
      isIsolated: false,
      hasWebGpu: false,
      hasIndexedDb: false,
      hasWebAssembly: true,
      processors: 4,
    };
    const missing = capabilities(lacking).filter(({ isThere }) => !isThere);
    expect(missing.map(({ name }) => name)).toEqual(['Shared memory between threads', 'WebGPU', 'Storage']);
    expect(missing[1]?.meaning).toContain('hardware acceleration');
  });

  it('says why WebGPU is not used', () => {
    const facts = {
      device: 'wasm',
      threads: 1,
      withoutGpu: 'this browser has no WebGPU.',
      fingerprint: {},
      repeats: undefined,
    } as const;
    expect(deviceSentence(facts)).toBe(
      'Trains on the processor with WASM, one thread. WebGPU is not used: this browser has no WebGPU.',
    );
  });
});

it('takes what most systems were compared with as their baseline', () => {
  const pair = (system: string, baseline: string) => ({ system, baseline }) as PairResult;
  expect(commonBaseline([pair('a', 'untrained'), pair('b', 'a'), pair('c', 'a')])).toBe('a');
  expect(commonBaseline([pair('a', 'untrained'), pair('b', 'a')])).toBe('untrained');
  expect(commonBaseline([])).toBeUndefined();
});
