import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { openDatasets } from '../../src/host/node/datasets.ts';
import type { HubCacheOptions } from '../../src/host/node/hub-repository.ts';
import { openHubDataset, parseHubDataset, type HubDatasetOptions } from '../../src/import/hub-dataset.ts';
import { DatasetHub, sha256, type DatasetFixture } from '../support/dataset-hub.ts';
import { imported, type Imported } from './support.ts';

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../golden/import', name)));
const corpus = golden('corpus-snappy.parquet');
const qrels = golden('qrels.parquet');
const queries = '{"_id":"q1","text":"first"}\n{"_id":"q2","text":"second"}\n';
const tsv = 'query-id\tcorpus-id\tscore\nq1\td0\t1\n';

/** As the program that stores data sets without splits does it. */
const nano: DatasetFixture = {
  license: 'cc-by-4.0',
  files: {
    '.gitattributes': 'x',
    'README.md': '# Nano',
    'corpus/train-00000-of-00001.parquet': corpus,
    'queries/train-00000-of-00001.jsonl': queries,
    'qrels/train-00000-of-00001.parquet': qrels,
    'bm25/train-00000-of-00001.jsonl': '{"query-id":"q1","corpus-ids":["d1"]}\n',
  },
};

let cacheFolder: string;
beforeEach(() => {
  cacheFolder = mkdtempSync(join(tmpdir(), 'datasets-'));
  onTestFinished(() => rmSync(cacheFolder, { recursive: true }));
  vi.stubEnv('HF_HUB_CACHE', join(cacheFolder, 'no-hugging-face-cache'));
  onTestFinished(() => void vi.unstubAllEnvs());
});

interface Fetched extends Imported {
  readonly origin: Awaited<ReturnType<typeof openHubDataset>>['origin'];
  readonly warnings: readonly string[];
}

async function fetched(
  hub: DatasetHub | string,
  name: string,
  options: HubDatasetOptions & HubCacheOptions = {},
): Promise<Fetched> {
  const endpoint = typeof hub === 'string' ? hub : hub.address;
  const datasets = openDatasets({ endpoint, cacheFolder, retryMs: 1, stallMs: 1000, ...options });
  const dataset = await openHubDataset(datasets, parseHubDataset(name), options);
  return { ...(await imported(dataset.files)), origin: dataset.origin, warnings: dataset.warnings };
}

describe('a data set of the hub', () => {
  it('has its texts, queries and judgments imported, and nothing else fetched', async () => {
    const hub = await DatasetHub.start({ 'org/nano': nano });
    const { report, files, origin } = await fetched(hub, 'org/nano');
    expect(report).toMatchObject({ kind: 'benchmark', texts: 6, queries: 2, judgments: { test: 3 } });
    expect(files.get('qrels/test.tsv')).toBe('query-id\tcorpus-id\tscore\nq1\td0\t1\nq1\td2\t2\nq2\td4\t1\n');
    expect(hub.requests.filter((path) => path.startsWith('/datasets'))).toHaveLength(3);
    expect(origin).toEqual({
      hub: `${hub.address}/`,
      repositories: [
        {
          id: 'org/nano',
          revision: DatasetHub.commit,
          license: 'cc-by-4.0',
          files: expect.arrayContaining([
            {
              path: 'corpus/train-00000-of-00001.parquet',
              bytes: corpus.length,
              sha256: sha256(corpus),
              gitSha1: expect.stringMatching(/^[0-9a-f]{40}$/) as unknown,
            },
          ]) as unknown,
        },
      ],
    });
  });

  it.each<[string, Record<string, DatasetFixture>, Record<string, number>]>([
    [
      'judgments in a repository of their own',
      {
        'org/set': {
          files: { 'corpus/corpus-00000-of-00001.parquet': corpus, 'queries/queries.jsonl': queries },
        },
        'org/set-qrels': { files: { 'README.md': 'x', 'test.tsv': tsv, 'train.tsv': tsv + 'q2\td4\t1\n' } },
      },
      { test: 1, train: 2 },
    ],
    [
      'judgments as its main data',
      {
        'org/set': {
          files: {
            'corpus/corpus-00000-of-00001.parquet': corpus,
            'queries/queries-00000-of-00001.jsonl': queries,
            'data/test-00000-of-00001.parquet': qrels,
            'data/valid-00000-of-00002.parquet': qrels,
            'dataset_infos.json': '{}',
          },
        },
      },
      { test: 3, valid: 3 },
    ],
    [
      'files of lines',
      {
        'org/set': {
          files: {
            'corpus.jsonl': '{"_id":"d0","text":"a"}\n',
            'queries.jsonl': queries,
            'qrels/test.tsv': tsv,
          },
        },
      },
      { test: 1 },
    ],
    [
      'a zip',
      {
        'org/set': {
          files: {
            'set.zip': zipSync({
              'set/corpus.jsonl': new TextEncoder().encode('{"_id":"d0","text":"a"}\n'),
              'set/queries.jsonl': new TextEncoder().encode(queries),
              'set/qrels/dev.tsv': new TextEncoder().encode(tsv),
            }),
          },
        },
      },
      { dev: 1 },
    ],
  ])('may have %s', async (_, datasets, judgments) => {
    const { report } = await fetched(await DatasetHub.start(datasets), 'org/set');
    expect(report.judgments).toEqual(judgments);
  });

  it('may consist of subsets, of which one is chosen', async () => {
    const hub = await DatasetHub.start({
      'org/many': {
        files: Object.fromEntries(
          ['NanoA', 'NanoB'].flatMap((name): [string, string | Uint8Array][] => [
            [`corpus/${name}-00000-of-00001.parquet`, corpus],
            [`queries/${name}-00000-of-00001.jsonl`, queries],
            [`qrels/${name}-00000-of-00001.parquet`, qrels],
          ]),
        ),
      },
    });
    const { report, origin } = await fetched(hub, 'org/many/NanoB');
    expect(report.judgments).toEqual({ test: 3 });
    expect(origin.repositories[0]?.files.map(({ path }) => path)).toEqual([
      'corpus/NanoB-00000-of-00001.parquet',
      'queries/NanoB-00000-of-00001.jsonl',
      'qrels/NanoB-00000-of-00001.parquet',
    ]);
    await expect(fetched(hub, 'org/many')).rejects.toThrow(
      /^org\/many: the data set has 2 subsets \(NanoA, NanoB\)\. Choose one, as in hub:org\/many\/NanoA\.$/,
    );
    await expect(fetched(hub, 'org/many/Nanob')).rejects.toThrow(/has no subset .*did you mean NanoB\?/);
  });

  it('without benchmark is imported as what its files are', async () => {
    const pairs = 'question,answer\nWhat is one?,One is a number\n';
    const hub = await DatasetHub.start({
      'org/faq': { files: { 'README.md': 'x', 'data/train.csv': pairs } },
    });
    expect((await fetched(hub, 'org/faq')).report).toMatchObject({
      kind: 'texts and questions',
      passages: 1,
    });
  });

  it('is not fetched again, and its kept files are compared with their hashes', async () => {
    const hub = await DatasetHub.start({ 'org/nano': nano });
    await fetched(hub, 'org/nano');
    const before = hub.requests.length;
    await fetched(hub, 'org/nano', { offline: true });
    expect(hub.requests).toHaveLength(before);
    const kept = readdirSync(cacheFolder, { recursive: true, encoding: 'utf8' });
    const path = kept.find((name) => name.includes('corpus') && name.endsWith('.parquet')) ?? '';
    const bytes = readFileSync(join(cacheFolder, path));
    writeFileSync(join(cacheFolder, path), bytes.fill(7, 100, 120));
    expect((await fetched(hub, 'org/nano')).report.texts).toBe(6);
    expect(hub.requests.slice(before).filter((each) => each.startsWith('/datasets'))).toHaveLength(1);
  });

  it('resumes a file that broke off', async () => {
    const hub = await DatasetHub.start({ 'org/nano': nano });
    let cuts = 1;
    hub.misbehave = (name, response, bytes) => {
      if (!name.startsWith('corpus') || cuts-- <= 0) return false;
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 500), () => setTimeout(() => response.destroy(), 50));
      return true;
    };
    expect((await fetched(hub, 'org/nano')).report.texts).toBe(6);
    expect(hub.requests.at(2)).toMatch(/corpus.* from 500$/);
  });

  it('says that files were not compared where the hub lists no hashes', async () => {
    const hub = await DatasetHub.start({ 'org/nano': { ...nano, isPlain: true } });
    const { warnings, origin } = await fetched(hub, 'org/nano');
    expect(warnings).toEqual([expect.stringMatching(/^files whose hash 127\.0\.0\.1:\d+ does not list: 3$/)]);
    expect(origin.repositories[0]?.files[0]).toMatchObject({ bytes: corpus.length, sha256: null });
  });

  it('writes no file outside of its folder', async () => {
    const hub = await DatasetHub.start({
      'org/evil': {
        files: {
          '../../../../corpus.csv': 'a,b\n',
          '..\\corpus.csv': 'a,b\n',
          'texts.csv': 'id,text\n1,a\n',
        },
      },
    });
    const { origin } = await fetched(hub, 'org/evil');
    expect(origin.repositories[0]?.files.map(({ path }) => path)).toEqual(['texts.csv']);
  });
});

describe('is refused in one line, with a remedy:', () => {
  const pair = { 'corpus/corpus.parquet': corpus, 'queries/queries.jsonl': queries };
  it.each<[string, Record<string, DatasetFixture>, string, RegExp]>([
    [
      'an unknown id',
      {},
      'org/no',
      /^org\/no: \S+ has no such data set, or it is private\. Fix the spelling/,
    ],
    [
      'an unknown revision',
      { 'org/a': nano },
      'org/a@v9',
      /^org\/a: the data set has no revision "v9"\. Choose a branch.*datasets\/org\/a\.$/,
    ],
    [
      'terms to accept',
      { 'org/a': { ...nano, refusal: { status: 403, code: 'GatedRepo' } } },
      'org/a',
      /^org\/a: \S+ does not grant visitors without a token access to this data set\. Accept its terms at \S+\/datasets\/org\/a, then set HF_TOKEN/,
    ],
    [
      'terms, told with 401',
      { 'org/a': { ...nano, refusal: { status: 401, code: 'GatedRepo' } } },
      'org/a',
      /Accept its terms/,
    ],
    [
      'no judgments',
      { 'org/a': { files: pair } },
      'org/a',
      /^org\/a: the data set has no judgments, and \S+ has none in org\/a-qrels\. Pass /,
    ],
    [
      'judgments that may not be read',
      { 'org/a': { files: pair }, 'org/a-qrels': { files: {}, refusal: { status: 403, code: 'GatedRepo' } } },
      'org/a',
      /^org\/a-qrels: .*Accept its terms/,
    ],
    [
      'packed files only',
      { 'org/a': { files: { 'corpus.jsonl.gz': 'x', 'README.md': 'x' } } },
      'org/a',
      /^org\/a: the data set has corpus\.jsonl\.gz and no Parquet.*Use the hub's conversion.* hub:org\/a@refs\/convert\/parquet\.$/,
    ],
    [
      'texts in no column',
      {
        'org/a': {
          files: {
            ...pair,
            'corpus/corpus.parquet': 'x',
            'corpus/corpus.jsonl': '{"a":1,"b":2}\n',
            'qrels/test.tsv': tsv,
          },
        },
      },
      'org/a',
      /^org\/a\/corpus\/corpus\.(jsonl|parquet)(:1)?: /,
    ],
    [
      'judgments whose columns cannot be told',
      { 'org/a': { files: { ...pair, 'qrels/test.jsonl': '{"a":"q1","b":"d0"}\n' } } },
      'org/a',
      /^org\/a\/qrels\/test\.jsonl: it cannot be told which columns have the judgments \("a", "b"\)\. Choose them with --columns query-id=NAME,document-id=NAME\.$/,
    ],
    [
      'a hash that is not the file’s',
      { 'org/a': { ...nano, lies: { 'corpus/train-00000-of-00001.parquet': { sha256: '0'.repeat(64) } } } },
      'org/a',
      /^org\/a\/corpus\/train-00000-of-00001\.parquet: the downloaded file does not match the hash listed by the hub\. Re-run later/,
    ],
    [
      'a file that is always cut',
      { 'org/a': { ...nano, lies: { 'corpus/train-00000-of-00001.parquet': { size: corpus.length + 9 } } } },
      'org/a',
      /^org\/a\/corpus\/train-00000-of-00001\.parquet: .*Re-run/,
    ],
    [
      'a name that is none',
      {},
      'scifact',
      /^"scifact" is not the name of a data set on the hub\. Use hub:ORG\/NAME/,
    ],
  ])('%s', async (_, datasets, name, message) => {
    const hub = await DatasetHub.start(datasets);
    const error: unknown = await fetched(hub, name).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(message);
  });

  it('a hub that does not answer, and one that may not be asked', async () => {
    await expect(fetched('http://127.0.0.1:9', 'org/a')).rejects.toThrow(
      /^org\/a: 127\.0\.0\.1:9 could not be reached .*Re-run/,
    );
    await expect(fetched('http://127.0.0.1:9', 'org/a', { offline: true })).rejects.toThrow(
      /^org\/a: the data set is not in the cache, and the hub cannot be used offline\. Re-run once online/,
    );
  });
});
