/** Data sets of a hub, as the worker downloads and keeps them. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import type { DatasetProgress } from '../../src/studio/benchmark-protocol.ts';
import type { TrainingClient } from '../../src/studio/window/training-client.ts';
import { openClient } from './small-run.ts';

const hub = new URL('/hub/', location.href).href;
const whole = new AbortController().signal;

/** What went wrong, and where; nothing of it may be kept. */
const refusals: readonly (readonly [what: string, dataset: string, problem: RegExp, remedy: RegExp])[] = [
  ['no name', 'scifact', /"scifact" is not the name of a data set/, /^Use hub:ORG\/NAME/],
  [
    'an unknown id',
    'org/missing',
    /has no such data set, or it is private/,
    /^Fix the spelling of ORG\/NAME/,
  ],
  ['an unknown revision', 'org/set@v9', /has no revision "v9"/, /^Choose a branch, tag or commit/],
  [
    'terms to accept (401)',
    'org/gated',
    /does not grant everybody access/,
    /^Accept its terms at .*datasets\/org\/gated/,
  ],
  ['terms to accept (403)', 'org/forbidden', /does not grant everybody access/, /drop them on the page$/],
  ['a hub that refuses', 'org/broken-hub', /responded with status 418/, /^Re-run later/],
  [
    'no column of texts',
    'org/no-text',
    /^has no column with texts \("image", "label"\)/,
    /download its files and drop them/,
  ],
  [
    'no file that can be read',
    'org/no-data',
    /has corpus\.jsonl\.gz and no Parquet/,
    /^Use the hub's conversion/,
  ],
  [
    'no judgments',
    'org/no-judgments',
    /has no judgments, and .* has none in org\/no-judgments-qrels/,
    /^(Use|Pass) /,
  ],
  ['bytes that are not those listed', 'org/other-bytes', /SHA-256|hash/, /^Re-run later/],
  ['a size that is not that listed', 'org/other-size', /does not match/, /^Re-run later/],
  [
    'a file too large for a page',
    'org/huge',
    /has 2 GiB, but the limit in a page is 512 MiB/,
    /^Use the command line/,
  ],
];

describe('a data set of a hub', () => {
  let client: TrainingClient;

  beforeEach(async () => {
    client = await openClient();
  });

  const keptNames = async (): Promise<readonly string[]> =>
    (await client.kept()).filter(({ kind }) => kind !== 'language-model').map(({ name }) => name);

  it('is looked at, downloaded and kept with its judgments, revision and hashes; BM25 is measured once', async () => {
    const looked = await client.lookAtDataset({ dataset: 'org/set', hub }, whole);
    if (looked.state !== 'finished') throw new Error('it was canceled');
    expect(looked.facts).toMatchObject({
      ...{ id: 'org/set', host: location.host, files: 3, license: 'cc-by-4.0', judgments: 'org/set-qrels' },
      bytes: expect.any(Number) as number,
      revision: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    });
    expect(await keptNames()).toEqual([]);

    const told: DatasetProgress[] = [];
    const outcome = await client.importDataset({ dataset: 'hub:org/set', hub }, whole, (progress) =>
      told.push(progress),
    );
    if (outcome.state !== 'finished') throw new Error('it was canceled');
    expect(outcome.item).toMatchObject({ kind: 'corpus', name: 'set', splits: ['test'] });
    const last = told.findLast(({ kind }) => kind === 'download');
    expect(last).toMatchObject({ bytes: looked.facts.bytes, totalBytes: looked.facts.bytes });
    expect(await client.corpusOrigins(outcome.item.id)).toMatchObject([
      {
        hub,
        repositories: [
          {
            ...{ id: 'org/set', revision: looked.facts.revision, license: 'cc-by-4.0' },
            files: [{ gitSha1: expect.stringMatching(/^[0-9a-f]{40}$/) as string }, {}],
          },
          { id: 'org/set-qrels', files: [{ path: 'test.tsv' }] },
        ],
      },
    ]);
    // The corpus has it; a copy in the browser's cache would be seen and deleted by nobody.
    expect(await caches.has('retriever-studio/datasets')).toBe(false);

    const measured = await client.keywordBaseline(outcome.item.id, 'test', whole);
    expect(measured).toMatchObject({
      state: 'finished',
      baseline: { queries: 2, metrics: { ndcg_cut_10: 1, recall_100: 1 } },
    });
    client.endWorker();
    expect(await client.keywordBaseline(outcome.item.id, 'test', whole)).toEqual(measured);
  });

  it('of a mirror that lists no hashes is kept, and that is said', async () => {
    const outcome = await client.importDataset({ dataset: 'org/plain', hub }, whole);
    expect(outcome).toMatchObject({ state: 'finished', report: { passages: 3 } });
    if (outcome.state !== 'finished') return;
    expect(outcome.report.warnings).toEqual([
      expect.stringMatching(/^files whose hash .* does not list: 3$/),
    ]);
  });

  it('that cannot be had is refused in one message with a remedy, and nothing of it is kept', async () => {
    for (const [what, dataset, problem, remedy] of refusals) {
      const error: unknown = await client
        .importDataset({ dataset, hub }, whole)
        .catch((thrown: unknown) => thrown);
      expect(error, what).toBeInstanceOf(InputError);
      if (!(error instanceof InputError)) continue;
      expect(error.problem, what).toMatch(problem);
      expect(error.remedy, what).toMatch(remedy);
      expect(error.message, what).not.toMatch(/command line: --columns/);
    }
    expect(await keptNames()).toEqual([]);
  });

  it('with a broken row is refused with file and line', async () => {
    const error = await client
      .importDataset({ dataset: 'org/broken-row', hub }, whole)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ file: 'org/broken-row/corpus.jsonl', line: 4 });
    expect(await keptNames()).toEqual([]);
  });

  it('is not asked of what is no address', async () => {
    for (const address of ['nowhere', 'ftp://127.0.0.1/', 'https://me:secret@127.0.0.1/']) {
      await expect(client.lookAtDataset({ dataset: 'org/set', hub: address }, whole)).rejects.toThrow(
        /is not an http\(s\) address\. Use an address such as/,
      );
    }
  });

  it('is canceled while its bytes come: the connection is closed, and nothing is kept', async () => {
    const cancel = new AbortController();
    let told = 0;
    const outcome = await client.importDataset({ dataset: 'org/slow', hub }, cancel.signal, () => {
      if (++told === 2) cancel.abort();
    });
    expect(outcome).toEqual({ state: 'canceled' });
    await vi.waitFor(async () => expect(await (await fetch('/hub/-/open')).text()).toBe('0'));
    expect(await keptNames()).toEqual([]);
    expect(await caches.has('retriever-studio/datasets')).toBe(false);
  });

  it('that was asked for and canceled before its list came is canceled', async () => {
    const cancel = new AbortController();
    cancel.abort();
    expect(await client.lookAtDataset({ dataset: 'org/set', hub }, cancel.signal)).toEqual({
      state: 'canceled',
    });
    expect(await client.importDataset({ dataset: 'org/set', hub }, cancel.signal)).toEqual({
      state: 'canceled',
    });
  });
});
