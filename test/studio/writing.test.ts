/** What the training worker does where queries are written, reviewed and used, and where candidates are looked at. */
import { describe, expect, it } from 'vitest';
import { readLists } from '../../src/corpus/lists.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { promptById } from '../../src/generation/index.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import { nodeClock } from '../../src/host/node/clock.ts';
import { openModelFiles } from '../../src/host/node/model-files.ts';
import { noRuntime } from '../../src/host/no-runtime.ts';
import { readRange } from '../../src/core/source.ts';
import type { Json } from '../../src/core/json.ts';
import type { KeptItem } from '../../src/studio/protocol.ts';
import { findCandidates, keepCandidates } from '../../src/studio/worker/candidates.ts';
import { KeptItems, partsOfText } from '../../src/studio/worker/kept-items.ts';
import { drawPassage, tryPassage } from '../../src/studio/worker/trying.ts';
import { useQueries, writeQueries, type WritingHost } from '../../src/studio/worker/writing.ts';
import type {
  CandidateChoices,
  TrialProgress,
  WritingProgress,
  WritingSetup,
  WrittenQuery,
} from '../../src/studio/writing-protocol.ts';
import { ScriptedGenerator, type ScriptedCall } from '../support/scripted-generator.ts';

const foods = ['bread', 'cheese', 'milk', 'salt', 'flour', 'oil', 'rice', 'honey', 'beans', 'corn'];
const passages = foods.flatMap((food, i) =>
  ['cellar', 'attic', 'yard'].map((place, j) => ({
    _id: `p${i}-${j}`,
    title: '',
    text: `The ${food} of house ${j} is kept in the ${place}, on shelf ${i}, behind a door that leads to the street.`,
  })),
);

/** A question of some words of the passage. */
function question({ request }: ScriptedCall): string {
  const passage = request.messages.at(-1)?.content.split('Target Passage: ').at(-1) ?? '';
  const [, food, house, place] = /The (\w+) of house (\d) is kept in the (\w+)/.exec(passage) ?? [];
  return `Where does house ${house ?? ''} keep its ${food ?? ''}, is it the ${place ?? ''}?`;
}

async function open(script: (call: ScriptedCall) => string = question) {
  const store = new MemoryStore();
  const items = new KeptItems(store);
  const lines = async function* (): AsyncGenerator<string> {
    for (const passage of passages) yield await Promise.resolve(`${JSON.stringify(passage)}\n`);
  };
  const corpus = await items.write({ kind: 'corpus', name: 'pantry', splits: [], listFiles: [] }, [
    { path: 'corpus.jsonl', parts: partsOfText(lines()) },
  ]);
  const generator = new ScriptedGenerator(script);
  const host: WritingHost = {
    ...{ runtime: noRuntime, store, clock: nodeClock, version: 'test' },
    models: openModelFiles({ offline: true }),
    files: { openCorpus: ({ folder = '' }) => items.openTree(folder), openFile: (id) => items.openFile(id) },
    generators: { open: () => Promise.resolve(generator) },
  };
  return { store, items, corpus, generator, host };
}

const setup: WritingSetup = {
  generator: { kind: 'http', address: 'http://127.0.0.1:1/v1', model: 'scripted' },
  prompts: ['c-questions'],
  ...{ queries: 20, testQueries: 6, seed: 3 },
};
const { signal } = new AbortController();

async function write(opened: Awaited<ReturnType<typeof open>>, chosen = setup) {
  const told: WritingProgress[] = [];
  const outcome = await writeQueries(opened.corpus.id, chosen, opened.host, (each) => told.push(each));
  if (outcome.state !== 'finished') throw new Error('it was canceled');
  return { queries: outcome.queries, told };
}

async function fileOf(items: KeptItems, { id }: KeptItem, path: string): Promise<string> {
  const file = await (await items.openTree(id)).open(path);
  return new TextDecoder().decode(await readRange(file, 0, file.size));
}

const passagesOf = (queries: readonly WrittenQuery[], split: string): Set<string> =>
  new Set(
    queries.filter((each) => each.split === split).flatMap((each) => each.passages.map(({ id }) => id)),
  );

describe('a trial on one passage', () => {
  it('asks each prompt once and says of each reply what was taken, or why nothing was', async () => {
    const opened = await open((call) => (call.index === 1 ? '{"queries": [' : question(call)));
    const tree = await opened.items.openTree(opened.corpus.id);
    const passage = await drawPassage(tree, 1, signal);
    expect(await drawPassage(tree, 1, signal)).toEqual(passage);
    const told: TrialProgress[] = [];
    const ask = { passage, prompts: ['c-questions', 'c-questions-several', 'c-user'], seed: 3 };
    const tell = (each: TrialProgress): void => void told.push(each);
    const tried = await tryPassage(ask, opened.generator, opened.store, tell, signal);
    expect(tried.map(({ sample }) => sample.prompt)).toEqual([
      'c-questions@1',
      'c-questions-several@1',
      'c-user@1',
    ]);
    expect(tried[0]?.sample.items).toHaveLength(1);
    expect(tried[1]?.sample.error).toContain('no complete JSON object');
    expect(tried[0]?.sample.messages.at(-1)?.content).toContain(passage.text);
    expect(told.filter(({ kind }) => kind === 'reply')).toHaveLength(3);
  });

  it('takes an edited prompt, and refuses one that is none with the place and a remedy', async () => {
    const opened = await open();
    const edited = {
      ...promptById('c-user'),
      version: 2,
      user: 'Ask in German about: {{passage}}',
    } as unknown;
    const passage = { id: 'p', text: passages[0]?.text ?? '' };
    const ask = { passage, prompts: [edited as Record<string, Json>], seed: 1 };
    const [reply] = await tryPassage(ask, opened.generator, opened.store, () => undefined, signal);
    expect(reply?.sample.messages.at(-1)?.content).toBe(`Ask in German about: ${passage.text}`);
    const broken = { ...(edited as Record<string, Json>), user: 'Ask about {{pasage}}' };
    await expect(
      tryPassage({ ...ask, prompts: [broken] }, opened.generator, opened.store, () => undefined, signal),
    ).rejects.toThrow(/user: \{\{pasage\}\} is not among the slots \(passage\).*Fix the prompt/);
  });
});

describe('queries that are written for a corpus of texts', () => {
  it('are as many as were asked for, and those to test with are for passages that nothing is trained on', async () => {
    const opened = await open();
    const { queries, told } = await write(opened);
    expect(queries.filter(({ split }) => split === 'test')).toHaveLength(6);
    expect(queries.filter(({ split }) => split === 'train')).toHaveLength(14);
    const test = passagesOf(queries, 'test');
    expect([...passagesOf(queries, 'train')].filter((id) => test.has(id))).toEqual([]);
    expect(told.at(-1)).toMatchObject({ done: 20, total: 20, accepted: 20, rejected: 0, secondsLeft: 0 });
    expect(queries[0]).toMatchObject({ prompt: 'c-questions@1', model: 'scripted', type: 'questions' });
    // Written once, they are here, whoever asks again.
    await write(opened);
    expect(opened.generator.requests).toHaveLength(20);
  });

  it('are used as they were reviewed, and say of each what the review made of it', async () => {
    const opened = await open();
    const { queries } = await write(opened);
    const [rejected, edited, accepted] = queries.filter(({ split }) => split === 'train');
    if (rejected === undefined || edited === undefined || accepted === undefined) throw new Error('too few');
    const reviews = {
      [rejected.id]: { verdict: 'rejected' },
      [edited.id]: { verdict: 'edited', text: 'in which room is it' },
      [accepted.id]: { verdict: 'accepted' },
    } as const;
    const { corpus, host, items } = opened;
    const used = await useQueries(corpus.id, setup, reviews, host, items, signal);
    expect(used).toMatchObject({ train: 13, test: 6 });
    expect(used.item).toMatchObject({ kind: 'corpus', splits: ['test', 'train'] });
    const lists: ListRecord[] = [];
    for await (const list of readLists(await (await items.openTree(used.item.id)).open('written.jsonl')))
      lists.push(list);
    const byQuery = new Map(lists.map((list) => [list.query, list.documents[0]]));
    expect(byQuery.has(rejected.text)).toBe(false);
    expect(byQuery.get('in which room is it')).toMatchObject({
      ...{ id: edited.passages[0]?.id, source: 'llm:scripted', prompt: 'c-questions@1' },
      verdicts: { review: `keep: edited, was ${JSON.stringify(edited.text)}` },
    });
    expect(byQuery.get(accepted.text)?.verdicts).toEqual({ review: 'keep' });
    const texts = (await fileOf(items, used.item, 'queries.jsonl')).trim().split('\n');
    expect(texts).toHaveLength(19);
    expect((await fileOf(items, used.item, 'qrels/test.tsv')).trim().split('\n')).toHaveLength(7);
    expect(JSON.parse(await fileOf(items, used.item, 'writing.json'))).toMatchObject({
      generators: { writer: { model: 'scripted' } },
    });
  });

  it('cannot be used where all of a split were rejected', async () => {
    const opened = await open();
    const { queries } = await write(opened);
    const reviews = Object.fromEntries(
      queries.flatMap(({ id, split }) => (split === 'test' ? [[id, { verdict: 'rejected' } as const]] : [])),
    );
    const { corpus, host, items } = opened;
    await expect(useQueries(corpus.id, setup, reviews, host, items, signal)).rejects.toThrow(
      'pantry: has no test query that was not rejected. Accept some, or write more.',
    );
  });
});

describe('candidates of train queries', () => {
  const choices = (item: KeptItem, given: Partial<CandidateChoices> = {}): CandidateChoices => ({
    ...{ itemId: item.id, split: 'train', heldOut: ['test'], encoder: 'pico', teacher: 'pico' },
    ...{ perRetriever: 3, sample: 5, rules: [], writer: undefined, seed: 1, ...given },
  });

  async function used() {
    const opened = await open();
    await write(opened);
    const { corpus, host, items } = opened;
    return { ...opened, ...(await useQueries(corpus.id, setup, {}, host, items, signal)) };
  }

  it('are those of keyword search, an encoder and chance, with ranks, scores and the verdict of each rule', async () => {
    const { item, host } = await used();
    const found = await findCandidates(
      choices(item, { rules: ['share<=0.95', 'rank<=2'] }),
      host,
      () => undefined,
    );
    if (found.state !== 'finished') throw new Error('it was canceled');
    expect(found.lists).toHaveLength(5);
    const documents = found.lists.flatMap((list) => list.documents);
    expect(new Set(documents.map(({ source }) => source))).toEqual(
      new Set(['gold', 'bm25', 'encoder', 'random']),
    );
    const others = documents.filter(({ label }) => label === 0);
    expect(others.every(({ rank, teacher }) => rank !== undefined && teacher !== undefined)).toBe(true);
    const dropped = others.filter(({ verdicts = {} }) => verdicts['share<=0.95']?.startsWith('drop'));
    const counts = found.report?.filter?.rules[0]?.counts;
    expect(counts?.dropped).toBe(dropped.length);
    expect(dropped.length).toBeGreaterThan(0);
  });

  it('are kept as training lists of all train queries, without what the rules drop', async () => {
    const { item, host, items } = await used();
    const kept = await keepCandidates(
      choices(item, { sample: undefined, rules: ['share<=0.95'] }),
      ...([host, items, () => undefined, signal] as const),
    );
    if (kept.state !== 'finished') throw new Error('it was canceled');
    expect(kept).toMatchObject({ lists: 14, item: { kind: 'lists' } });
    const lists: ListRecord[] = [];
    for await (const list of readLists(await items.openFile(kept.item.id))) lists.push(list);
    const others = lists.flatMap((list) => list.documents).filter(({ label }) => label === 0);
    expect(others.every(({ verdicts = {} }) => verdicts['share<=0.95'] === 'keep')).toBe(true);
  });
});
