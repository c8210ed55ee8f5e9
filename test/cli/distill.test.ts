import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startCli } from '../support/processes.ts';

const recipe = {
  version: 1,
  name: 'tiny',
  seed: 1,
  texts: {
    corpora: ['corpus.jsonl'],
    queries: [{ file: 'queries.jsonl', judgments: 'train.tsv' }],
    neverTexts: ['queries.jsonl'],
    randomPhrases: 40,
  },
  student: { vocabSize: 80, hiddenSize: 8, layers: 1, heads: 2, intermediateSize: 16, maxLength: 24 },
  training: {
    batchSize: 16,
    epochs: 6,
    learningRate: 0.01,
    warmupShare: 0.1,
    similarityWeight: 0.3,
    similarityTemperature: 0.05,
    devShare: 0.1,
  },
  card: { teacher: 'some/teacher', license: 'mit', trainingData: 'A few sentences.', metrics: [] },
};

const sentence = (i: number): string => `The heat of cell ${i} rates the light of the gene ${i * 7}.`;

function data(changes: object = {}): { folder: string; args: (out: string) => string[] } {
  const line = (record: object): string => `${JSON.stringify(record)}\n`;
  const folder = temporaryFolder({
    'recipe.json': JSON.stringify({ ...recipe, ...changes }),
    'corpus.jsonl': Array.from({ length: 60 }, (_, i) =>
      line({ _id: `d${i}`, title: '', text: sentence(i) }),
    ).join(''),
    'queries.jsonl':
      line({ _id: 'q1', text: 'heat of a gene' }) +
      line({ _id: 'q2', text: sentence(3) }) +
      line({ _id: 'q3', text: 'light and water' }),
    'train.tsv': 'query-id\tcorpus-id\tscore\nq1\td1\t1\n',
  });
  return {
    folder,
    args: (out) => [
      'distill',
      join(folder, 'recipe.json'),
      ...['--teacher', tinyModel('tiny-bert'), '--data', folder, '--out', join(folder, out)],
      ...['--device', 'cpu', '--threads', '1', '--json'],
    ],
  };
}

it('makes a student that comes nearer to its teacher, opens as a model, and repeats to the bit after a kill', async () => {
  const { folder, args } = data();
  const result = await runCli(args('student'));
  const { texts, steps, loss } = onlyJson(result) as { texts: number; steps: number; loss: number };
  // 60 passages, of which one is the text of a query that is not for training, 60 runs of words, the training query…
  expect(texts).toBeGreaterThan(150);
  expect(steps).toBeGreaterThan(40);
  const before = Number(/step 0: loss (\S+)/.exec(result.stderr)?.[1]);
  expect(loss).toBeLessThan(before - 0.05);

  const weights = readFileSync(join(folder, 'student/model.safetensors'));
  const { tensors } = readSafetensors(Uint8Array.from(weights), 'model.safetensors');
  expect(tensors.get('embeddings.word_embeddings.weight')).toMatchObject({ dtype: 'F16', dims: [80, 8] });
  expect(readFileSync(join(folder, 'student/README.md'), 'utf8')).toContain('some/teacher');
  const embedded = ['embed', '--model', join(folder, 'student'), '--in', join(folder, 'corpus.jsonl')];
  await runCli([...embedded, '--out', join(folder, 'v.npy')]);
  expect(statSync(join(folder, 'v.npy')).size).toBe(128 + 60 * 8 * 4);

  const started = startCli(args('again'));
  await started.untilOutput(/loss \S+ on held-out texts\n[^]*loss \S+ on held-out/);
  await started.kill();
  const resumed = await runCli(args('again'));
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(resumed.stderr).toMatch(/resuming from step \d+: bit-exact/);
  expect(readFileSync(join(folder, 'again/model.safetensors')).equals(weights)).toBe(true);
});

it('names the place of a wrong setting', async () => {
  const { args } = data({ student: { ...recipe.student, layers: 0 } });
  expectBadInput(await runCli(args('student')), /recipe\.json.*student\.layers/);
});
