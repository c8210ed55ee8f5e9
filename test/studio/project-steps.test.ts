/** What a project says of its steps. */
import { describe, expect, it } from 'vitest';
import { corpusText, stepStates, trainingsText, type StepFacts } from '../../src/studio/project-steps.ts';
import { keptCorpus, runs } from '../e2e/canned-run.ts';

const counts = { passages: 2239, queries: 325, splits: { test: { queries: 325, judgments: 400 } } };
const texts = { ...keptCorpus, splits: [], counts: { passages: 2239, queries: 0, splits: {} } };
const judged = { ...keptCorpus, counts };
const facts: StepFacts = {
  ...{ corpus: judged, missing: [], seconds: undefined, runs: [], isTraining: false },
};

describe('the steps of a project', () => {
  it('say what is there, what is to be done and what it takes', () => {
    expect(stepStates({ ...facts, seconds: 290 })).toEqual({
      data: '2,239 passages, 325 queries',
      write: 'Skipped: it has judgments',
      train: 'About 5 min',
      results: 'No training yet',
    });
    expect(stepStates({ ...facts, corpus: texts, missing: ['queries'] })).toMatchObject({
      data: '2,239 passages, no questions yet',
      write: 'Makes queries to train and test with',
      train: 'Needs queries first',
    });
    expect(stepStates({ ...facts, missing: ['a teacher'] }).train).toBe('Choices are missing');
    expect(stepStates({ ...facts, isTraining: true }).train).toBe('Running');
    expect(stepStates({ ...facts, corpus: { ...judged, madeFrom: 'texts-1' } }).write).toBe(
      '325 queries were made',
    );
  });

  it('count trainings, the best among the finished', () => {
    const [run] = runs;
    if (run === undefined) throw new Error('there is no run');
    const begun = { ...run, state: 'begun' } as const;
    expect(trainingsText([begun], false)).toBe('1 training, not finished');
    expect(trainingsText([begun], true)).toBe('1 training, one is running');
    expect(trainingsText([run, { ...run, best: 0.5748 }, begun], false)).toBe('3 trainings, best 0.575');
  });

  it('know of a corpus of an earlier version what it knew', () => {
    expect(corpusText(keptCorpus)).toBe('Judged: test, train');
  });
});
