import { cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { staticGolden } from '../support/static-folder.ts';
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

const bert = tinyModel('tiny-bert');
const table = join(staticGolden, 'model2vec');

/** A recipe that learns similarities alone, and starts from a static encoder. */
function startedFrom(
  start: string,
  training: object = {},
): { folder: string; args: (...more: string[]) => string[] } {
  const { layers, heads, intermediateSize, maxLength } = recipe.student;
  const { folder, args } = data({
    texts: { ...recipe.texts, corpora: [], texts: ['corpus.jsonl'] },
    student: { start: 'start', layers, heads, intermediateSize, maxLength, weights: 'F8_E4M3' },
    training: { ...recipe.training, vectorWeight: 0, similarityWeight: 1, ...training },
  });
  cpSync(start, join(folder, 'start'), { recursive: true });
  return { folder, args: (...more) => [...args('student'), ...more] };
}

async function embedded(model: string, folder: string): Promise<number[][]> {
  const out = join(folder, `${basename(model)}.npy`);
  const result = await runCli(['embed', '--model', model, '--in', join(folder, 'texts.txt'), '--out', out]);
  expect(result.code, result.stderr).toBe(0);
  const values = new Float32Array(Uint8Array.from(readFileSync(out)).buffer.slice(128));
  const width = values.length / 3;
  return [0, 1, 2].map((row) => [...values.subarray(row * width, (row + 1) * width)]);
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);

it('starts from a static encoder: its tokens, and nearly its vectors', async () => {
  const { folder, args } = startedFrom(table, { learningRate: 1e-9, epochs: 1 });
  onlyJson(await runCli(args()));
  const { tensors } = readSafetensors(
    Uint8Array.from(readFileSync(join(folder, 'student/model.safetensors'))),
    'model.safetensors',
  );
  const words = tensors.get('embeddings.word_embeddings.weight');
  expect(words?.dtype).toBe('F8_E4M3');
  expect(tensors.get('embeddings.LayerNorm.weight')?.dtype).toBe('F16');

  writeFileSync(join(folder, 'texts.txt'), 'the heat of water\nlight of the gene\nblood cell\n');
  const before = await embedded(join(folder, 'start'), folder);
  const after = await embedded(join(folder, 'student'), folder);
  before.forEach((vector, row) => expect(dot(vector, after[row] ?? [])).toBeGreaterThan(0.8));
});

it('takes the vectors that the teacher has already made', async () => {
  const { folder, args } = startedFrom(table);
  const file = join(folder, 'vectors.safetensors');
  await runCli(['embed', '--model', bert, '--corpus', folder, '--out', file]);
  const result = await runCli(args('--teacher-vectors', file));
  const { loss } = onlyJson(result) as { loss: number };
  expect(loss).toBeLessThan(Number(/step 0: loss (\S+)/.exec(result.stderr)?.[1]));
  // The passages but the one that is a query's text; not the training query and the words.
  expect(result.stderr).toMatch(/\b59 of \d+ teacher vectors are those of .*vectors\.safetensors/);

  const others = join(folder, 'others.safetensors');
  await runCli(['embed', '--model', tinyModel('tiny-distilbert'), '--corpus', folder, '--out', others]);
  const refused = await runCli(args('--teacher-vectors', others, '--force'));
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/error: .*others\.safetensors: the vectors .*Use vectors of this teacher/);
});

it('refuses a start with a transformer, and sizes next to a start', async () => {
  expectBadInput(await runCli(startedFrom(bert).args()), /start: has a transformer.*Use a static encoder/);
  const { args } = data({ student: { ...recipe.student, start: 'start' } });
  expectBadInput(await runCli(args('student')), /recipe\.json.*student\.(vocabSize|hiddenSize)/);
});
