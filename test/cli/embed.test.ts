import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEncoder } from '../../src/encoders/read-encoder.ts';
import { uploadWeights } from '../../src/encoders/device-weights.ts';
import type { Side } from '../../src/encoders/embedder.ts';
import { GraphEmbedder } from '../../src/encoders/graph-embedder.ts';
import { openRuntime } from '../../src/host/node/runtime.ts';
import { expectBadInput, onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { bytesSource } from '../../src/core/source.ts';
import { readTextVectors } from '../../src/retrieval/text-vectors.ts';
import { textsOfLists } from '../../src/training/teacher-vectors.ts';
import { listFile, makeLists } from '../support/training-lists.ts';
import { modelFolder, tinyModel } from '../support/model-folder.ts';
import { pythonLacks, runPython } from '../support/python.ts';
import { itUnless } from '../support/skip.ts';

const tinyBert = tinyModel('tiny-bert');
const texts = ['what is the protein of the cell', 'heat', 'light, heat and WATER (2)', 'gene-drug rates'];

/** Runs `embed` on one file in a folder of its own. */
async function embed(name: string, content: string, args: readonly string[] = []) {
  const folder = temporaryFolder({ [name]: content });
  const [file, out] = [join(folder, name), join(folder, 'out.npy')];
  const result = await runCli(['embed', '--model', tinyBert, '--in', file, '--out', out, ...args]);
  return { folder, out, result };
}

interface Matrix {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A .npy file by the letter of its specification. */
function readNpy(path: string): Matrix {
  const bytes = readFileSync(path);
  expect(bytes.subarray(0, 8)).toEqual(Buffer.from('\x93NUMPY\x01\x00', 'latin1'));
  const start = 10 + bytes.readUInt16LE(8);
  expect(start % 64).toBe(0);
  const header = bytes.toString('latin1', 10, start);
  expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(\d+, \d+\), \} *\n$/);
  const shape = (/\((\d+), (\d+)\)/.exec(header) ?? []).slice(1).map(Number);
  const values = Array.from({ length: (bytes.length - start) / 4 }, (_, i) =>
    bytes.readFloatLE(start + 4 * i),
  );
  return { shape, values };
}

/** What the library gives for the texts, one by one. */
async function vectorsOf(side: Side, queryPrefix = ''): Promise<Matrix> {
  const runtime = await openRuntime({ device: 'cpu', threads: 1 });
  const encoder = await readEncoder(modelFolder(tinyBert), { queryPrefix });
  const weights = await uploadWeights(runtime, encoder.weights);
  const embedder = new GraphEmbedder(runtime, encoder, () => weights);
  const values: number[] = [];
  for (const text of texts) values.push(...(await embedder.embed([text], side)));
  await runtime.close();
  return { shape: [texts.length, embedder.dimensions], values };
}

function expectClose(actual: Matrix, expected: Matrix): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.values).toHaveLength(expected.values.length);
  for (const [i, value] of expected.values.entries()) {
    expect(Math.abs((actual.values[i] ?? NaN) - value)).toBeLessThan(1e-6);
  }
}

describe('embed', () => {
  const json = texts.map((text, i) => `${JSON.stringify({ _id: String(i), text })}\n`).join('');
  const csv = `id,text\n${texts.map((text, i) => `${i},"${text}"\n`).join('')}`;
  it.each([
    ['texts.txt', `${texts.join('\n')}\n`],
    ['texts.jsonl', json],
    ['texts.csv', csv],
    ['texts.tsv', `id\ttext\n${texts.map((text, i) => `${i}\t${text}\n`).join('')}`],
  ])('writes a row for each text of %s, in order', async (name, content) => {
    const { result, out, folder } = await embed(name, content);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stdout).toMatch(/out\.npy: 4 × 16 in \d/);
    expectClose(readNpy(out), await vectorsOf('passage'));
    expect(readdirSync(folder).sort()).toEqual([name, 'out.npy'].sort());
  });

  it('puts the prefix of queries before them --as query', async () => {
    const prefix = ['--query-prefix', 'what is ', '--json'];
    const { result, out } = await embed('texts.txt', texts.join('\n'), ['--as', 'query', ...prefix]);
    expect(onlyJson(result)).toMatchObject({ vectors: out, texts: 4, dimensions: 16 });
    const expected = await vectorsOf('query', 'what is ');
    expectClose(readNpy(out), expected);
    expect(expected.values).not.toEqual((await vectorsOf('passage')).values);
    const passages = await embed('texts.txt', texts.join('\n'), prefix);
    expectClose(readNpy(passages.out), await vectorsOf('passage'));
  });

  it('puts titles before texts, or leaves them out', async () => {
    const titled = `${JSON.stringify({ _id: '1', title: 'water', text: 'heat' })}\n`;
    const plain = await embed('a.jsonl', titled, ['--no-titles']);
    expect(readNpy(plain.out)).toEqual(readNpy((await embed('b.txt', 'heat\n')).out));
    const both = await embed('c.jsonl', titled);
    expect(readNpy(both.out)).toEqual(readNpy((await embed('d.txt', 'water heat\n')).out));
  });

  itUnless(pythonLacks('numpy'), 'opens in NumPy', async () => {
    const { out } = await embed('texts.txt', texts.join('\n'));
    const program =
      'import json,sys,numpy as n;a=n.load(sys.argv[1]);print(json.dumps([a.shape,a.ravel().tolist()]))';
    const [shape, values] = JSON.parse(runPython(['-c', program, out])) as [number[], number[]];
    expect({ shape, values }).toEqual(readNpy(out));
  });

  it.each([
    ['an empty file', 'texts.txt', '', /texts\.txt: contains no texts/],
    ['not valid JSON', 'texts.jsonl', `${json}{"te`, /texts\.jsonl:5: /],
    [
      'a text of 10 MB',
      'texts.jsonl',
      JSON.stringify({ _id: 'a', text: 'heat '.repeat(2e6) }),
      /texts\.jsonl:1: /,
    ],
  ])('refuses %s and writes nothing', async (_, name, content, message) => {
    const { result, folder } = await embed(name, content);
    expectBadInput(result, message);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it('writes vectors of the queries and passages of lists and of a corpus', async () => {
    const lists = makeLists(6);
    const corpus = '{"_id": "a", "title": "water", "text": "heat"}\n';
    const folder = temporaryFolder({ 'lists.jsonl': listFile(lists), 'corpus.jsonl': corpus });
    const out = join(folder, 'out.safetensors');
    const args = [
      '--model',
      tinyBert,
      '--lists',
      join(folder, 'lists.jsonl'),
      '--corpus',
      folder,
      '--out',
      out,
    ];
    const said = onlyJson(await runCli(['embed', ...args, '--dimensions', '9', '--int8', '--json']));
    expect(said).toMatchObject({ vectors: out, queries: 6, passages: 19, dimensions: 9 });
    const bytes = new Uint8Array(readFileSync(out));
    // The model by its name: the file may be handed on, and where a folder lies is nobody else's business.
    const header = new TextDecoder().decode(bytes.subarray(8, 120));
    expect(header).toContain('"model":"tiny-bert"');
    const compact = await readTextVectors(bytesSource(out, bytes));
    const { queries, passages } = textsOfLists(lists);
    expect(await compact.rowsOf(queries, 'query')).toHaveLength(6);
    expect(await compact.rowsOf([...passages, 'water heat'], 'passage')).toHaveLength(19);
    expect(bytes.length).toBeLessThan(25 * (9 + 8) + 500);
    // All dimensions keep the cosines of the encoder.
    expect((await runCli(['embed', ...args])).code).toBe(0);
    const whole = await readTextVectors(bytesSource(out, new Uint8Array(readFileSync(out))));
    const alone = await vectorsOf('passage');
    expect(whole.dimension).toBe(alone.shape[1]);
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
      Array.from(a).reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);
    const cosines = (of: typeof whole): number[] => {
      const vectors = of.vectorsOf('passage');
      const rowOf = (row: number): Float32Array =>
        vectors.subarray(row * of.dimension, (row + 1) * of.dimension);
      return Array.from({ length: 19 }, (_, row) => dot(rowOf(0), rowOf(row)));
    };
    const differences = cosines(compact).map((cosine, i) => Math.abs(cosine - (cosines(whole)[i] ?? NaN)));
    expect(Math.max(...differences)).toBeLessThan(0.1);
    expect(Math.max(...differences)).toBeGreaterThan(0);
  });

  it.each([
    [[], /Use either --in, or --lists, --queries and --corpus/],
    [['--in', 'a.txt', '--lists', 'lists.jsonl'], /Use either --in, or --lists, --queries and --corpus/],
    [['--in', 'a.txt', '--int8'], /--dimensions and --int8 do not apply to --in/],
    [['--lists', 'a.txt'], /a\.txt/],
  ])('refuses %j', async (args, message) => {
    const folder = temporaryFolder({ 'lists.jsonl': listFile(makeLists(2)), 'a.txt': 'heat\n' });
    const given = args.map((arg) => (/\.(txt|jsonl)$/.test(arg) ? join(folder, arg) : arg));
    const out = join(folder, 'out.safetensors');
    expectBadInput(await runCli(['embed', '--model', tinyBert, ...given, '--out', out]), message);
    expect(readdirSync(folder).sort()).toEqual(['a.txt', 'lists.jsonl']);
  });

  it('refuses more dimensions than the model has', async () => {
    const folder = temporaryFolder({ 'lists.jsonl': listFile(makeLists(2)) });
    const [lists, out] = [join(folder, 'lists.jsonl'), join(folder, 'out.safetensors')];
    const args = ['--model', tinyBert, '--lists', lists, '--out', out, '--dimensions', '17'];
    const { code, stderr } = await runCli(['embed', ...args]);
    expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([
      2,
      expect.stringMatching(/tiny-bert: --dimensions is 17, but the model has 16\. Use 16 or fewer\.$/),
    ]);
    expect(readdirSync(folder)).toEqual(['lists.jsonl']);
  });

  it('refuses a place where no file can be, before it embeds', async () => {
    const folder = temporaryFolder({ 'texts.txt': 'heat\n' });
    const input = ['--model', tinyBert, '--in', join(folder, 'texts.txt')];
    expectBadInput(await runCli(['embed', ...input, '--out', folder]), /a file cannot be written here/);
    expectBadInput(
      await runCli(['embed', ...input, '--out', join(folder, 'texts.txt/v.npy')]),
      /a file cannot be written here/,
    );
    expectBadInput(
      await runCli(['embed', ...input, '--out', join(folder, 'v.npy'), '--as', 'title']),
      /--as is "title"/,
    );
  });
});
