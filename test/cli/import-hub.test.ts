import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  expectBadInput,
  onlyJson,
  program,
  runCli,
  temporaryFolder,
  type CliResult,
} from '../support/cli.ts';
import { DatasetHub, gitSha1, sha256, type DatasetFixture } from '../support/dataset-hub.ts';

const corpus = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../golden/import/corpus-snappy.parquet')),
);
const queries = '{"_id":"q1","text":"the text of passage 3"}\n{"_id":"q2","text":"passage 5"}\n';
const tsv = 'query-id\tcorpus-id\tscore\nq1\td3\t1\nq2\td5\t1\n';
const texts: DatasetFixture = {
  license: ['cc-by-sa-4.0'],
  files: {
    'README.md': '#',
    'corpus/corpus-00000-of-00001.parquet': corpus,
    'queries/queries.jsonl': queries,
  },
};
const judgments: DatasetFixture = { files: { 'test.tsv': tsv, 'train.tsv': tsv } };

/** With a cache of its own, and neither token nor address of whoever runs the tests. */
function environment(folder: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const cache = join(folder, 'cache');
  return {
    RETRIEVER_STUDIO_CACHE: cache,
    HF_HUB_CACHE: join(folder, 'none'),
    HF_TOKEN: '',
    HF_ENDPOINT: '',
    ...more,
  };
}

async function run(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  return runCli(['import', ...args], { env: environment(folder, env) });
}

it('imports a benchmark from the hub that is named, records its files and prints BM25', async () => {
  const hub = await DatasetHub.start({ 'org/set': texts, 'org/set-qrels': judgments });
  const folder = temporaryFolder();
  const out = join(folder, 'corpus');
  const result = await run(folder, ['hub:org/set', '--hub', hub.address, '--out', out]);
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toContain(`org/set: downloading from ${hub.address}/\n`);
  expect(result.stdout).toContain(
    `org/set: revision ${DatasetHub.commit}, license on the hub: cc-by-sa-4.0\n`,
  );
  expect(result.stdout).toContain(`org/set-qrels: revision ${DatasetHub.commit}, license on the hub: none\n`);
  expect(result.stdout).toMatch(
    /BM25 on 2 test queries:\nndcg_cut_10\s+all\s+1\.0000\nrecall_100\s+all\s+1\.0000\n/,
  );
  expect(readdirSync(join(out, 'qrels')).sort()).toEqual(['test.tsv', 'train.tsv']);
  const report = JSON.parse(readFileSync(join(out, 'import.json'), 'utf8')) as { readonly origins: unknown };
  const listed = (path: string, content: string | Uint8Array, isLarge = false): unknown => ({
    ...{ path, bytes: Buffer.from(content).length, gitSha1: gitSha1(content) },
    sha256: isLarge ? sha256(content) : null,
  });
  expect(report.origins).toEqual([
    {
      hub: `${hub.address}/`,
      repositories: [
        {
          ...{ id: 'org/set', revision: DatasetHub.commit, license: 'cc-by-sa-4.0' },
          files: [
            listed('corpus/corpus-00000-of-00001.parquet', corpus, true),
            listed('queries/queries.jsonl', queries),
          ],
        },
        {
          ...{ id: 'org/set-qrels', revision: DatasetHub.commit, license: null },
          files: [listed('test.tsv', tsv), listed('train.tsv', tsv)],
        },
      ],
    },
  ]);

  const before = hub.requests.length;
  const again = await run(folder, ['hub:org/set', '--hub', hub.address, '--out', out], {
    HF_HUB_OFFLINE: '1',
  });
  expect(again.code, again.stderr).toBe(0);
  expect(hub.requests).toHaveLength(before);
});

it('knows benchmarks by name, and says where the hub has other data than was known', async () => {
  const hub = await DatasetHub.start({ 'BeIR/scifact': texts, 'BeIR/scifact-qrels': judgments });
  const folder = temporaryFolder();
  const args = ['beir-scifact', '--out', join(folder, 'out'), '--json'];
  const result = await run(folder, args, { HF_ENDPOINT: hub.address });
  expect(onlyJson(result)).toMatchObject({
    kind: 'benchmark',
    passages: 6,
    judgments: { test: 2, train: 2 },
  });
  expect(result.stderr).toMatch(/beir-scifact has 6 texts, but 5183 were known: the hub's data has changed/);
});

it('lists them', async () => {
  const list = onlyJson(await runCli(['import', '--list', '--json'])) as readonly Readonly<
    Record<string, unknown>
  >[];
  expect(list.filter(({ name }) => String(name).startsWith('nanobeir-'))).toHaveLength(13);
  expect(list).toContainEqual({
    ...{ name: 'nanobeir-scifact', id: 'zeta-alpha-ai/NanoSciFact', documents: 2919, queries: 50 },
    ...{ megabytes: 3, license: 'CC BY-NC 2.0' },
  });
  expect((await runCli(['import', '--list'])).stdout).toContain(
    'nanobeir-fiqa\tzeta-alpha-ai/NanoFiQA2018\t',
  );
});

it('refuses what is missing, in one line', async () => {
  const hub = await DatasetHub.start({ 'org/set': texts });
  const folder = temporaryFolder();
  const refused = async (...args: readonly string[]): Promise<CliResult> => {
    const result = await run(folder, [...args, '--hub', hub.address, '--out', join(folder, 'out')]);
    const lines = result.stderr.split('\n').filter((line) => !line.includes('downloading from'));
    return { ...result, stderr: lines.join('\n') };
  };
  expectBadInput(
    await refused('hub:org/no'),
    /org\/no: \S+ has no such data set, or it is private\. Fix the spelling/,
  );
  expectBadInput(await refused('hub:org/set'), /org\/set: the data set has no judgments/);
  expectBadInput(
    await refused('nanobeir-scifct'),
    /nanobeir-scifct: does not exist, and is no benchmark\. Use nanobeir-scifact/,
  );
  expectBadInput(
    await refused('hub:set'),
    /"set" is not the name of a data set on the hub\. Use hub:ORG\/NAME/,
  );
  expectBadInput(await refused(), /nothing to import was named\. Pass files/);
  expectBadInput(
    await run(folder, ['hub:org/set', '--hub', 'nowhere', '--preview']),
    /the hub's address "nowhere" is not an http\(s\) address\. Set /,
  );
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

it('leaves no corpus when it is interrupted, and resumes the download', async () => {
  const hub = await DatasetHub.start({ 'org/set': texts, 'org/set-qrels': judgments });
  const folder = temporaryFolder();
  const out = join(folder, 'out');
  const args = ['hub:org/set', '--hub', hub.address, '--out', out];
  const child = spawn(process.execPath, [program, 'import', ...args], {
    env: { ...process.env, ...environment(folder) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  hub.misbehave = (name, response, bytes) => {
    if (!name.startsWith('corpus')) return false;
    hub.misbehave = undefined;
    response.writeHead(200, { 'content-length': bytes.length });
    // The rest never comes.
    response.write(bytes.subarray(0, 500), () => setTimeout(() => child.kill('SIGINT'), 300));
    return true;
  };
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(code, stderr).toBe(130);
  expect(stderr).toContain('stopping; nothing is written');
  expect(readdirSync(folder)).toEqual(['cache']);
  const second = await run(folder, args);
  expect(second.code, second.stderr).toBe(0);
  expect(hub.requests.filter((path) => path.includes('/corpus/')).at(-1)).toMatch(/ from 500$/);
});
