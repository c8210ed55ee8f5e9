/** Each command and a recipe with the same data, settings and seed come to the same results, bit for bit. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeGenerators } from '../../src/cli/generators.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { readSafetensors } from '../../src/formats/safetensors.ts';
import type { Stage } from '../../src/pipeline/stage.ts';
import { StageStore } from '../../src/pipeline/stage-store.ts';
import { decodeLists, decodeRanking } from '../../src/pipeline/stored-forms.ts';
import { onlyJson, runCli, temporaryFolder } from '../support/cli.ts';
import { tinyModel } from '../support/model-folder.ts';
import { startModelServer } from '../support/model-server.ts';
import type { RecipeRunOptions } from '../support/recipe-job.ts';
import { recipePlace } from '../support/recipe-place.ts';
import { recipeCorpus, smallRecipe } from '../support/small-recipe.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const place = recipePlace();
const model = tinyModel('tiny-bert');
const encoding = ['--max-query-length', '16', '--max-passage-length', '24'];

/** Runs a recipe of one arm without dev, and gives what its stages stored. */
async function recipe(changes: Readonly<Record<string, unknown>>, options: RecipeRunOptions = {}) {
  const document = smallRecipe(place.corpus, {
    ...{ seeds: [1], corpus: { folder: place.corpus, dev: null } },
    arms: [{ name: 'a', source: 'mined', loss: 'infonce' }],
    evaluation: { samples: 1000, depth: 20 },
    ...changes,
  });
  const { job, report } = await place.run(document, options);
  const stages = new StageStore(place.store);
  const blobOf = async ({ key }: Stage): Promise<Uint8Array<ArrayBuffer>> => {
    const [blob] = (await stages.find(key))?.blobs ?? [];
    if (blob === undefined) throw new Error(`${key} has stored nothing`);
    return stages.readBlob(blob);
  };
  const [arm] = job.graph.arms;
  if (arm === undefined) throw new Error('the recipe has no arm');
  return {
    ...{ job, report, arm },
    lists: async () => decodeLists(await blobOf(arm.lists)),
    ranking: async (of: Stage) => decodeRanking(await blobOf(of)),
  };
}

/** Runs a command and gives the lines of JSON that it wrote. */
async function command<Line = ListRecord>(args: readonly string[], out: string): Promise<Line[]> {
  const result = await runCli([...args, '--out', out]);
  expect(result.code, result.stderr).toBe(0);
  return linesOf(out).map((line) => JSON.parse(line) as Line);
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');
const output = (name: string): string => join(temporaryFolder(), name);

it('`mine` finds the lists of a mined source', async () => {
  const retrievers = [
    { kind: 'bm25', k1: 1.2 },
    { kind: 'dense', model, queryMaxLength: 16, passageMaxLength: 24 },
  ];
  const sources = {
    mined: { kind: 'mined', retrievers, ranks: { first: 2, last: 12 }, negatives: 3, seed: 7 },
  };
  const { lists } = await recipe({ sources });
  const mined = await command(
    [
      ...['mine', '--corpus', place.corpus, '--bm25', '--k1', '1.2', '--model', model, ...encoding],
      ...['--threads', '1', '--ranks', '2-12', '--negatives', '3', '--seed', '7'],
    ],
    output('lists.jsonl'),
  );
  expect(mined).toEqual(await lists());
  expect(mined.length).toBeGreaterThan(20);
});

it('`mine` finds with stored vectors what a recipe finds, and the same teacher scores', async () => {
  const file = join(place.corpus, 'vectors.safetensors');
  const queries = join(place.corpus, 'queries.jsonl');
  const embed = ['embed', '--model', model, '--corpus', place.corpus, '--queries', queries, '--out', file];
  expect((await runCli([...embed, '--int8', '--threads', '1'])).code).toBe(0);
  const retrievers = [{ kind: 'bm25' }, { kind: 'vectors', file }];
  const sources = { mined: { kind: 'mined', retrievers, fuse: true, negatives: 4, lists: 'listwise' } };
  const arms = [{ name: 'a', source: 'mined', loss: 'kl' }];
  const { lists } = await recipe({ sources, arms, teacher: { from: 'vectors', file } });
  const mined = await command(
    [
      ...['mine', '--corpus', place.corpus, '--bm25', '--vectors', file, '--fuse', '--negatives', '4'],
      ...['--lists', 'listwise', '--teacher-vectors', file],
    ],
    output('lists.jsonl'),
  );
  expect(mined).toEqual(await lists());
  expect(mined[0]?.documents[0]?.teacher).toBeDefined();
});

it('`mine` with a teacher finds the scaled lists of a listwise arm', async () => {
  const sources = {
    mined: { kind: 'mined', retrievers: [{ kind: 'bm25' }], negatives: 4, lists: 'listwise' },
  };
  const teacher = { from: 'encoder', model, scale: { group: 'query' } };
  const arms = [{ name: 'a', source: 'mined', loss: 'kl' }];
  const { lists } = await recipe({ sources, teacher, arms });
  const mined = await command(
    [
      ...['mine', '--corpus', place.corpus, '--bm25', '--negatives', '4', '--lists', 'listwise'],
      ...['--teacher', model, '--scale', 'query', '--threads', '1'],
    ],
    output('lists.jsonl'),
  );
  expect(mined).toEqual(await lists());
  expect(mined[0]?.documents[0]?.teacher_raw).toBeDefined();
});

it('`filter` keeps what an arm with filters trains on', async () => {
  const rules = ['relative-margin>=0.001', 'length>=2'];
  const { lists, arm, job } = await recipe({
    sources: { ready: { kind: 'lists', corpusFile: 'lists.jsonl' } },
    filters: { strict: rules },
    arms: [{ name: 'a', source: 'ready', filters: 'strict', loss: 'infonce' }],
  });
  const kept = await command(
    [
      ...['filter', '--corpus', place.corpus, '--lists', join(place.corpus, 'lists.jsonl')],
      ...['--teacher', model, '--rules', rules.join(', '), '--threads', '1'],
    ],
    output('kept.jsonl'),
  );
  expect(kept).toEqual(await lists());
  // Both leave the test queries of the corpus out.
  expect(kept.length).toBeLessThanOrEqual(28);
  expect(job.graph.fileLists.get('ready')?.lists).toHaveLength(40);
  expect(arm.filtered).toBeDefined();
});

it('`search` finds what a recipe evaluates', async () => {
  const baselines = ['bm25', 'untrained'];
  const { job, ranking } = await recipe({ evaluation: { samples: 1000, depth: 20, baselines } });
  for (const [{ rankings }, how] of [
    [job.graph.baselines[0] ?? { rankings: [] }, ['--bm25']],
    [job.graph.baselines[1] ?? { rankings: [] }, ['--model', model, ...encoding]],
  ] as const) {
    const out = output('found.tsv');
    const result = await runCli([
      ...['search', '--corpus', place.corpus, ...how, '--k', '20', '--out', out, '--threads', '1'],
    ]);
    expect(result.code, result.stderr).toBe(0);
    const found = [...(await ranking(rankings[0] as Stage))].flatMap(([query, documents]) =>
      documents.map(({ id, rank }) => [query, id, rank].join(' ')),
    );
    const written = linesOf(out).map((line) => line.split('\t'));
    expect(written.map(([query, , id, rank]) => [query, id, rank].join(' ')).slice(-found.length)).toEqual(
      found,
    );
  }
});

it('`diagnose` says of lists what a recipe says of its source', async () => {
  const { report, lists } = await recipe({
    sources: { bm25: { kind: 'mined', retrievers: [{ kind: 'bm25' }], ranks: { last: 10 }, negatives: 2 } },
    teacher: { from: 'stored' },
    arms: [{ name: 'a', source: 'bm25', loss: 'infonce' }],
    diagnostics: { sources: ['bm25'], loss: 'infonce(temperature=0.1)', sample: 15, seed: 4 },
  });
  const file = join(
    temporaryFolder({ 'lists.jsonl': (await lists()).map((list) => `${JSON.stringify(list)}\n`).join('') }),
    'lists.jsonl',
  );
  const result = await runCli([
    ...['diagnose', file, '--model', model, ...encoding, '--threads', '1', '--json'],
    ...['--loss', 'infonce(temperature=0.1)', '--sample', '15', '--seed', '4'],
  ]);
  expect(onlyJson(result)).toMatchObject({ sources: report.findings.diagnosed });
});

describe('`train` comes to the weights of an arm', () => {
  const training = [
    ...['--batch-size', '4', '--lr', '2e-3', '--max-steps', '6', '--evaluate-every', '3'],
    ...['--micro-batch-tokens', '64', '--seed', '5'],
  ];
  const changes = { seeds: [5], sources: { ready: { kind: 'lists', corpusFile: 'lists.jsonl' } } };
  /** Nothing is tested, so that the recipe's guard removes no more than that of the command. */
  const untested = (): string => {
    const folder = recipeCorpus();
    writeFileSync(join(folder, 'qrels/test.tsv'), 'query-id\tcorpus-id\tscore\nother\tp0\t1\n');
    writeFileSync(join(folder, 'queries.jsonl'), '{"_id": "other", "text": "no query of the lists"}\n');
    return folder;
  };

  const infonce = 'infonce(temperature=0.1)';
  const batch = 'kl(scope=batch, teacherTemperature=0.05)';
  const vectors = 'vectors.safetensors';
  const byVectors = { from: 'vectors', corpusFile: vectors, scale: { group: 'query' } };
  it.each<{
    name: string;
    dev?: object;
    loss: string;
    teacher?: object;
    options: readonly string[];
  }>([
    {
      name: 'with a share of the lists held out',
      dev: { share: 0.2, seed: 5, among: 'lists' },
      loss: infonce,
      options: ['--dev-share', '0.2'],
    },
    {
      name: 'with dev lists of a file',
      dev: { corpusFile: 'dev.jsonl' },
      loss: infonce,
      options: ['--dev', 'dev.jsonl'],
    },
    { name: 'with nothing held out', loss: infonce, options: ['--dev-share', '0'] },
    {
      name: 'with an encoder that teaches over the batch',
      loss: batch,
      teacher: { from: 'encoder', model },
      options: ['--dev-share', '0', '--teacher', model],
    },
    {
      name: 'with stored vectors that teach over the list and the batch',
      loss: `kl + 0.5*${batch}`,
      teacher: byVectors,
      options: ['--dev-share', '0', '--teacher-vectors', vectors, '--scale', 'query'],
    },
  ])('$name', async ({ dev = null, loss, teacher, options }) => {
    const folder = untested();
    writeFileSync(join(folder, 'dev.jsonl'), listFile(makeLists(40).slice(30)));
    if (options.includes(vectors)) {
      const embed = ['embed', '--model', model, '--lists', 'lists.jsonl', '--dimensions', '12', '--int8'];
      const embedded = await runCli([...embed, '--out', vectors, '--threads', '1'], { cwd: folder });
      expect(embedded.code, embedded.stderr).toBe(0);
    }
    const { report, job } = await recipe({
      ...{
        ...changes,
        ...(teacher !== undefined && { teacher }),
        arms: [{ name: 'a', source: 'ready', loss }],
      },
      corpus: { folder, train: null, test: 'test', dev },
    });
    const out = output('model');
    const result = await runCli(
      [
        ...['train', '--model', model, ...encoding, '--lists', 'lists.jsonl', '--out', out, ...options],
        ...['--loss', loss, ...training, '--threads', '1', '--json'],
      ],
      { cwd: folder },
    );
    const [trained] = report.arms[0]?.trainings ?? [];
    expect(onlyJson(result)).toMatchObject({ losses: trained?.losses, bestStep: trained?.bestStep });
    const { weights } = await job.trainedModel('a', 5);
    const { tensors } = readSafetensors(new Uint8Array(readFileSync(join(out, 'model.safetensors'))), out);
    expect([...tensors.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, { data }] of weights) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      expect(Buffer.from(tensors.get(name)?.data ?? []).equals(bytes), name).toBe(true);
    }
  });
});

it('`generate` writes the lists of a generated source', async () => {
  const server = await startModelServer(({ body }) => ({
    text: `what does ${(body.messages.at(-1)?.content ?? '').slice(-20).replace(/\s+/g, ' ')} say`,
  }));
  const { lists } = await recipe(
    {
      generators: { writer: { kind: 'http', address: server.address, model: 'test-model' } },
      sources: {
        written: {
          kind: 'generated',
          prompts: ['c-questions'],
          of: { passages: { sample: 9, seed: 3 } },
          seed: 3,
        },
      },
      arms: [{ name: 'a', source: 'written', loss: 'infonce' }],
    },
    { generators: nodeGenerators(new Map()) },
  );
  const written = await command(
    [
      ...['generate', '--corpus', place.corpus, '--prompt', 'c-questions', '--sample', '9', '--seed', '3'],
      ...[
        '--generator',
        server.address,
        '--model',
        'test-model',
        '--store',
        join(temporaryFolder(), 'store'),
      ],
    ],
    output('written.jsonl'),
  );
  expect(written).toEqual(await lists());
  expect(written).toHaveLength(9);
  expect(server.calls).toHaveLength(18);
});
