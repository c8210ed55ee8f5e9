/** A corpus, a model and a recipe that take seconds, as a user would drop them on the page. */
import { afterEach } from 'vitest';
import type { ListedFile } from '../../src/studio/dropped-files.ts';
import type { RecipeReport } from '../../src/pipeline/report.ts';
import type { RecipeInput } from '../../src/pipeline/schema.ts';
import type { RunEvent } from '../../src/studio/protocol.ts';
import { TrainingClient, type TrainingClientOptions } from '../../src/studio/window/training-client.ts';
import { listFile, makeLists } from '../support/training-lists.ts';

const lists = makeLists(40);
const rows = (from: number, to: number): string =>
  lists
    .slice(from, to)
    .map(({ query_id }, i) => `${query_id}\tp${from + i}\t1\n`)
    .join('');
const jsonLines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

const corpusFiles: Readonly<Record<string, string>> = {
  'corpus.jsonl': jsonLines(
    lists.flatMap(({ documents }) =>
      documents.slice(0, 2).map(({ id, text }) => ({ _id: id, title: '', text })),
    ),
  ),
  'queries.jsonl': jsonLines(lists.map(({ query_id, query }) => ({ _id: query_id, text: query }))),
  'qrels/train.tsv': `query-id\tcorpus-id\tscore\n${rows(0, 28)}`,
  'qrels/test.tsv': `query-id\tcorpus-id\tscore\n${rows(28, 40)}`,
  'lists.jsonl': listFile(lists),
  'notes.txt': 'not part of a corpus',
};

/** The query of the first test query, and its relevant passage. */
export const testQuery = { id: 'q28', text: lists[28]!.query, relevant: 'p28' };

export function droppedCorpus(): ListedFile[] {
  return Object.entries(corpusFiles).map(([path, text]) => listed(`small/${path}`, text));
}

export async function droppedModel(): Promise<ListedFile[]> {
  const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json', 'vocab.txt'];
  const files: ListedFile[] = [];
  for (const name of [...names, 'modules.json', '1_Pooling/config.json', 'sentence_bert_config.json']) {
    const response = await fetch(`/test/golden/encoders/tiny-bert/${name}`);
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    files.push(listed(`tiny-bert/${name}`, await response.arrayBuffer()));
  }
  return files;
}

/** @param corpus and model are what the kept items are called */
export function smallRecipe(
  corpus: string,
  model: string,
  training: NonNullable<RecipeInput['training']> = {},
): RecipeInput {
  return {
    version: 1,
    name: 'small',
    seeds: [1],
    corpus: { folder: corpus, dev: { share: 0.2 }, devCandidates: 3 },
    encoder: { model, queryMaxLength: 16, passageMaxLength: 24 },
    sources: { ready: { kind: 'lists', corpusFile: 'lists.jsonl' } },
    training: {
      batches: { batchSize: 4 },
      learningRate: 2e-3,
      maxSteps: 6,
      evaluateEvery: 3,
      tokensPerMicroBatch: 64,
      ...training,
    },
    arms: [
      { name: 'contrastive', source: 'ready', loss: 'infonce' },
      { name: 'listwise', source: 'ready', loss: 'kl' },
    ],
    evaluation: { samples: 1000, depth: 20, pairs: [['listwise', 'contrastive']] },
  };
}

function listed(path: string, content: string | ArrayBuffer): ListedFile {
  return { path, file: new File([content], path.split('/').at(-1) ?? path) };
}

const clients: TrainingClient[] = [];

/** A worker on WASM with a database of its own. */
export async function openClient(options: TrainingClientOptions = {}): Promise<TrainingClient> {
  const client = await TrainingClient.open({
    device: 'wasm',
    threads: 1,
    // The test files share an origin, and with it what they store.
    store: `training-worker-${crypto.randomUUID()}`,
    ...options,
  });
  clients.push(client);
  return client;
}

export async function keepSmall(
  client: TrainingClient,
  training: RecipeInput['training'] = {},
): Promise<RecipeInput> {
  const corpus = await client.keep(droppedCorpus());
  const model = await client.keep(await droppedModel());
  return smallRecipe(corpus.id, model.id, training);
}

export async function finish(
  client: TrainingClient,
  recipe: RecipeInput,
  onEvent?: (event: RunEvent) => void,
) {
  const outcome = await client.run('small', recipe, onEvent);
  if (outcome.state !== 'finished') throw new Error('the run was canceled');
  return outcome.report;
}

export function stepOf(event: RunEvent): number | undefined {
  return event.kind === 'training' && event.event.kind === 'step' ? event.event.step : undefined;
}

/** Which step of which training an event tells of. */
export function placeOf(event: RunEvent): string {
  return event.kind === 'training' ? `${event.stage.label} ${stepOf(event) ?? ''}` : event.kind;
}

/** What a training learned, without what a clock says. */
export function learned({ arms, results }: RecipeReport): unknown {
  return {
    results,
    arms: arms.map(({ name, trainings }) => ({
      name,
      trainings: trainings.map(({ losses, dev, bestStep, breaks }) => ({ losses, dev, bestStep, breaks })),
    })),
  };
}

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
