import { describe, expect, it } from 'vitest';
import { proposeTraining, shareCut, type ProposalFacts } from '../../src/pipeline/proposal.ts';
import { trainingWarnings } from '../../src/pipeline/training-warnings.ts';
import { planned } from '../e2e/canned-plan.ts';

const judged: ProposalFacts = { data: planned.facts, hasGpu: false, isOnline: true };
const texts: ProposalFacts = { ...judged, data: { ...planned.facts, train: null, test: null } };

describe('a proposal', () => {
  it('for judged queries trains on them: a static encoder, or the transformer where there is a GPU', () => {
    expect(proposeTraining(judged)).toMatchObject({ lists: 'mined', encoder: 'pico', teacher: undefined });
    expect(proposeTraining({ ...judged, hasGpu: true })).toMatchObject({
      encoder: 'nano',
      learningRate: 1e-4,
    });
  });

  it('for texts alone cuts queries out, with a teacher that can be reached', () => {
    const proposal = proposeTraining(texts);
    expect(proposal).toMatchObject({ lists: 'extracted', encoder: 'pico', loss: 'kl', scope: 'batch' });
    expect(proposal.teacher).toBe('sentence-transformers/all-MiniLM-L6-v2');
    expect(proposeTraining({ ...texts, isOnline: false }).teacher).toBe('nano');
  });

  it('does not train on a handful of judged queries', () => {
    const few = { ...planned.facts, train: { queries: 9, pairs: 12, graded: false } };
    expect(proposeTraining({ ...judged, data: few }).lists).toBe('extracted');
  });

  it('has batches that the queries can fill', () => {
    const few = { ...planned.facts, train: { queries: 60, pairs: 60, graded: false } };
    expect(proposeTraining({ ...judged, data: few }).batchSize).toBe(4);
  });

  it('reads nine tenths of the passages to their end, as far as the encoder can', () => {
    const long = { ...planned.facts, passageTokens: Array.from({ length: 100 }, () => 400) };
    expect(proposeTraining({ ...judged, data: long }).passageMaxLength).toBe(512);
    expect(proposeTraining({ ...judged, data: long, hasGpu: true }).passageMaxLength).toBe(256);
    const short = { ...long, passageTokens: Array.from({ length: 100 }, (_, i) => 10 + i) };
    expect(proposeTraining({ ...judged, data: short }).passageMaxLength).toBe(128);
  });

  it.each([judged, texts, { ...judged, hasGpu: true }, { ...texts, isOnline: false }])(
    'has a sentence for each of its choices',
    (facts) => {
      const { reasons } = proposeTraining(facts);
      expect(reasons.length).toBeGreaterThanOrEqual(5);
      for (const { choice, reason } of reasons) {
        expect(choice).not.toBe('');
        expect(reason).toMatch(/^[A-Z0-9].*\.$/);
      }
    },
  );
});

it('counts the texts that a limit cuts', () => {
  expect(shareCut([10, 20, 30, 40], 25)).toBe(0.5);
  expect(shareCut([10, 20], 20)).toBe(0);
  expect(shareCut([], 20)).toBe(0);
});

describe('warnings', () => {
  const choices = { encoder: 'nano', teacher: undefined, passageMaxLength: 400 };
  const kinds = (...given: Parameters<typeof trainingWarnings>): string[] =>
    trainingWarnings(...given).map(({ kind }) => kind);

  it('are none where all is well', () => {
    expect(trainingWarnings(planned, choices)).toEqual([]);
  });

  it('are of cut texts from a fifth, with a length that the encoder can read', () => {
    expect(kinds(planned, { ...choices, passageMaxLength: 340 })).toEqual([]);
    expect(trainingWarnings(planned, { ...choices, passageMaxLength: 64 })).toEqual([
      expect.objectContaining({
        kind: 'cut',
        fix: { kind: 'passage-length', tokens: 256, label: 'Use 256' },
      }),
    ]);
    // There is no longer one.
    const [most] = trainingWarnings(planned, { ...choices, passageMaxLength: 256 });
    expect(most).toMatchObject({ kind: 'cut', fix: undefined });
  });

  it('are of a teacher that is the student', () => {
    expect(kinds(planned, { ...choices, teacher: 'nano' })).toEqual(['teacher']);
    expect(kinds(planned, { ...choices, teacher: 'pico' })).toEqual([]);
  });

  it('are of batches that cannot be filled', () => {
    const batches = { filled: 2, better: 8 };
    expect(trainingWarnings({ ...planned, rows: 48, batches }, choices)).toEqual([
      {
        kind: 'batches',
        text: 'Only 2 batches of 16 can be filled with queries that share no relevant passage.',
        fix: { kind: 'batch-size', size: 8, label: 'Use 8' },
      },
    ]);
    expect(kinds({ ...planned, rows: 480, batches: { filled: 28, better: 8 } }, choices)).toEqual([]);
  });

  it('are of too few test queries to show a difference', () => {
    const [few] = trainingWarnings({ ...planned, testQueries: 40 }, choices);
    expect(few?.text).toMatch(/^With 40 test queries, a gain below about 0\.07 nDCG@10/);
    expect(kinds({ ...planned, testQueries: 1 }, choices)).toEqual(['queries']);
    expect(kinds({ ...planned, testQueries: 120 }, choices)).toEqual([]);
  });

  it('are of a language that the encoder has not seen', () => {
    const german = { ...planned, facts: { ...planned.facts, cover: 0.3 } };
    expect(trainingWarnings(german, choices)[0]?.text).toBe(
      'nano knows English only: its vocabulary has 30% of the words of these texts.',
    );
  });
});
