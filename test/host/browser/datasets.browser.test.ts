import { afterEach, expect, it } from 'vitest';
import { openDatasets } from '../../../src/host/browser/datasets.ts';
import { readThrough } from '../../../src/core/source.ts';
import { detect } from '../../../src/import/detect.ts';
import { openHubDataset, parseHubDataset } from '../../../src/import/hub-dataset.ts';
import { importCorpus, type ImportReport } from '../../../src/import/import-corpus.ts';

const commit = crypto.randomUUID().replaceAll('-', '').padEnd(40, '0');
const sets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'org/set': {
    'corpus.jsonl': '{"_id":"d1","text":"one"}\n{"_id":"d2","text":"two"}\n',
    'queries.jsonl': '{"_id":"q1","text":"first"}\n',
  },
  'org/set-qrels': { 'test.tsv': 'query-id\tcorpus-id\tscore\nq1\td1\t1\n' },
};
const realFetch = globalThis.fetch;
let requests: string[] = [];
let isOffline = false;

/** Stands for the hub in the page. */
function startHub(): void {
  requests = [];
  isOffline = false;
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input, location.href);
    if (url.host !== 'hub.test') return realFetch(input, init);
    const path = decodeURIComponent(url.pathname);
    requests.push(path);
    if (isOffline) return Promise.reject(new TypeError('Failed to fetch'));
    const [, listed = ''] = /^\/api\/datasets\/(.+)\/revision\//.exec(path) ?? [];
    const [, stored = '', name = ''] = /^\/datasets\/([^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(path) ?? [];
    const set = sets[listed || stored];
    const text = set?.[name];
    const siblings = Object.entries(set ?? {}).map(([rfilename, { length }]) => ({
      rfilename,
      size: length,
    }));
    if (set !== undefined && listed !== '') return Promise.resolve(Response.json({ sha: commit, siblings }));
    return Promise.resolve(text === undefined ? new Response(null, { status: 404 }) : new Response(text));
  };
}
afterEach(async () => {
  globalThis.fetch = realFetch;
  await caches.delete('retriever-studio/datasets');
});

async function imported(name: string): Promise<ImportReport> {
  const datasets = openDatasets({
    ...{ endpoint: new URL('https://hub.test/'), retryMs: 1, stallMs: 1000 },
    report: (problem) => expect.unreachable(problem),
  });
  const { files, origin } = await openHubDataset(datasets, parseHubDataset(name));
  const corpus = importCorpus(await detect([files]), { origins: [origin] });
  for await (const { content } of corpus.files()) await readThrough(content);
  return corpus.report();
}

it('a page imports a benchmark of the hub, and keeps its files', async () => {
  startHub();
  const report = await imported('org/set');
  expect(report).toMatchObject({ kind: 'benchmark', passages: 2, queries: 1, judgments: { test: 1 } });
  expect(report.origins[0]?.repositories.map(({ id, revision }) => [id, revision])).toEqual([
    ['org/set', commit],
    ['org/set-qrels', commit],
  ]);
  isOffline = true;
  const before = requests.length;
  expect(await imported('org/set')).toEqual(report);
  expect(requests.slice(before).filter((path) => path.startsWith('/datasets/'))).toEqual([]);
});

it('a page says what to do where there is no such data set', async () => {
  startHub();
  await expect(imported('org/no')).rejects.toThrow(
    /^org\/no: hub\.test has no such data set, or it is private\. Fix the spelling of ORG\/NAME/,
  );
});
