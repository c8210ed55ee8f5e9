import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Prompt } from '../../../src/generation/prompt.ts';
import { GenerationLog } from '../../../src/generation/log.ts';
import { runGeneration } from '../../../src/generation/run-generation.ts';
import type { Generator } from '../../../src/host/generator.ts';
import { openAiGenerator } from '../../../src/host/generators/openai.ts';
import { FolderStore } from '../../../src/host/node/store.ts';
import { randomUint32, streamKey } from '../../../src/core/random.ts';
import { temporaryFolder } from '../../support/cli.ts';
import { startModelServer, type Behavior, type ChatCall } from '../../support/model-server.ts';

const prompt: Prompt = {
  id: 'test-queries',
  version: 1,
  title: 'Queries',
  description: 'Of a passage.',
  writes: 'queries',
  slots: [{ name: 'passage', description: 'The passage' }],
  system: '',
  user: 'Write a query for: {{passage}}',
  count: 1,
  schema: {
    type: 'object',
    properties: {
      queries: {
        type: 'array',
        items: { type: 'object', properties: { text: { type: 'string', minLength: 3 } }, required: ['text'] },
      },
    },
    required: ['queries'],
    additionalProperties: false,
  },
  reply: { form: 'object', items: 'queries' },
  sampling: { maxTokens: 60 },
};

const tasks = Array.from({ length: 40 }, (_, i) => ({
  id: `p${i}`,
  slots: { passage: `passage number ${i}` },
}));

/** A reply about the passage of a call. */
const good = ({ body }: ChatCall): Behavior => ({
  text: JSON.stringify({
    queries: [{ text: `what is ${/passage number \d+/.exec(body.messages[0]!.content)?.[0]}` }],
  }),
});

const bad: readonly Behavior[] = [
  { status: 429, headers: { 'retry-after': '0.02' } },
  { status: 503 },
  'drop',
  'truncate',
  'half',
  'html',
  'stall',
  'silence',
];

async function openLog(folder: string): Promise<{ log: GenerationLog; store: FolderStore }> {
  const store = await FolderStore.open(join(folder, 'store'));
  return { log: await GenerationLog.open(store), store };
}

/** Counts here and not at the server, which may notice only later that a request was given up. */
function counting(inner: Generator): { readonly generator: Generator; readonly mostAtOnce: () => number } {
  let [now, most] = [0, 0];
  const generator: Generator = {
    description: inner.description,
    load: (options) => inner.load(options),
    unload: () => inner.unload(),
    generate: async (request, signal) => {
      most = Math.max(most, ++now);
      try {
        return await inner.generate(request, signal);
      } finally {
        now--;
      }
    },
  };
  return { generator, mostAtOnce: () => most };
}

describe('a run of requests against a server in every kind of trouble', () => {
  it('loses nothing and asks nothing twice', async () => {
    const folder = temporaryFolder();
    const answered = new Map<string, number>();
    const server = await startModelServer((call) => {
      const { seed, messages } = call.body;
      const key = streamKey(seed, messages[0]!.content);
      // Up to three failures of a request, then a reply; every fifth first reply does not fit.
      if (call.earlier < randomUint32(key, 0) % 4)
        return bad[randomUint32(key, call.earlier + 1) % bad.length]!;
      const name = `${seed} ${messages[0]!.content}`;
      answered.set(name, (answered.get(name) ?? 0) + 1);
      return randomUint32(key, 99) % 5 === 0 ? { text: '{"queries": [{"text": ""}]}' } : good(call);
    });
    const { generator, mostAtOnce } = counting(
      openAiGenerator({
        address: server.address,
        model: 'test-model',
        // Well above what a good reply takes on a busy machine: one that came too late would be asked for again.
        deadlineSeconds: 1,
        parallel: 8,
      }),
    );
    const settings = { seed: 7, firstWaitSeconds: 0.01, longestWaitSeconds: 0.05, attempts: 8 };
    const first = await openLog(folder);
    const result = await runGeneration({ tasks, prompt, generator, log: first.log, settings });
    expect(result.open).toEqual([]);
    expect(result.finished.map(({ task, items }) => [task.id, items.map(({ text }) => text)])).toEqual(
      tasks.map(({ id, slots }) => [id, [`what is ${slots.passage}`]]),
    );
    expect(result.progress.rejected).toBeGreaterThan(0);
    // Each request was answered once, and every answer is in the log.
    expect([...answered.values()].filter((times) => times !== 1)).toEqual([]);
    expect(first.log.size).toBe(answered.size);
    expect(server.calls.length).toBeGreaterThan(answered.size);
    expect(mostAtOnce()).toBeLessThanOrEqual(8);
    await first.store.close();

    const before = server.calls.length;
    const second = await openLog(folder);
    const again = await runGeneration({ tasks, prompt, generator, log: second.log, settings });
    expect(again.finished.map(({ items }) => items)).toEqual(result.finished.map(({ items }) => items));
    expect(server.calls.length).toBe(before);
    await second.store.close();
  });

  it('waits as long as a server asks', async () => {
    const server = await startModelServer((call) =>
      call.earlier === 0 ? { status: 429, headers: { 'retry-after': '0.3' } } : good(call),
    );
    const generator = openAiGenerator({ address: server.address, model: 'test-model' });
    const { log, store } = await openLog(temporaryFolder());
    const startedAt = performance.now();
    const settings = { seed: 1, firstWaitSeconds: 0.001 };
    const { open } = await runGeneration({ tasks: tasks.slice(0, 2), prompt, generator, log, settings });
    expect(open).toEqual([]);
    expect(performance.now() - startedAt).toBeGreaterThan(290);
    expect(server.calls).toHaveLength(4);
    await store.close();
  });

  it('ends with one message where the user has to do something, and keeps what came before', async () => {
    let calls = 0;
    const server = await startModelServer((call) =>
      ++calls > 5 ? { status: 401, body: '{"error": {"message": "the key has run out"}}' } : good(call),
    );
    const generator = openAiGenerator({ address: server.address, model: 'test-model', parallel: 1 });
    const { log, store } = await openLog(temporaryFolder());
    await expect(runGeneration({ tasks, prompt, generator, log, settings: { seed: 1 } })).rejects.toThrow(
      /401: the key has run out/,
    );
    expect(log.size).toBe(5);
    expect(server.calls).toHaveLength(6);
    await store.close();
  });
});
