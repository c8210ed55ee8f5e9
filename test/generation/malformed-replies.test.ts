/** Replies that no model should give, and servers do: through a real server, a run and a log. */
import { describe, expect, it } from 'vitest';
import { textSource } from '../../src/core/source.ts';
import {
  GenerationLog,
  logLines,
  readLog,
  runGeneration,
  type LogEntry,
} from '../../src/generation/index.ts';
import type { Prompt } from '../../src/generation/prompt.ts';
import { openAiGenerator } from '../../src/host/generators/openai.ts';
import { startModelServer, type Behavior } from '../support/model-server.ts';
import { fittingReply, openStore, smallPrompt, tasksFor } from './support.ts';

const labelPrompt: Prompt = {
  ...smallPrompt,
  count: 1,
  schema: { type: 'object', properties: { label: { type: 'number' } } },
  reply: { form: 'object' },
  writes: 'labels',
};

/** The body of an answer with status 200; `usage` as JSON. */
function bodyOf(content: string, usage = '{}'): Behavior {
  const message = JSON.stringify({ role: 'assistant', content });
  return {
    status: 200,
    body: `{"choices":[{"message":${message},"finish_reason":"stop"}],"usage":${usage}}`,
  };
}

/** Runs three tasks over a server that answers the first request as given and the others well; then once more. */
async function runOver(first: Behavior, prompt = smallPrompt, good = fittingReply) {
  const server = await startModelServer((call) =>
    server.calls.length === 1 ? first : bodyOf(good(call.body)),
  );
  const store = await openStore();
  const run = async () => {
    const generator = openAiGenerator({ address: server.address, model: 'test-model', parallel: 1 });
    const log = await GenerationLog.open(store);
    const settings = { seed: 1, firstWaitSeconds: 0.001 };
    return { log, result: await runGeneration({ tasks: tasksFor(3), prompt, generator, log, settings }) };
  };
  const { log, result } = await run();
  const asked = server.calls.length;
  const again = await run();
  expect(server.calls).toHaveLength(asked);
  expect(again.result.finished.map(({ items }) => items)).toEqual(result.finished.map(({ items }) => items));
  const exported = [...logLines(log.entries())].join('');
  const entries: LogEntry[] = [];
  for await (const entry of readLog(textSource('log.jsonl', exported))) entries.push(entry);
  expect(entries).toEqual([...log.entries()]);
  return { result, entries, asked };
}

describe('a malformed reply is rejected, kept in the log, and the run goes on:', () => {
  it.each<[string, string, RegExp]>([
    ['half a character in a name', String.raw`{"queries": [], "\ud800": 1}`, /cannot be read/],
    [
      'a hundred thousand items',
      JSON.stringify({ queries: Array(100_000).fill(1) }),
      /cannot be read|too many/,
    ],
    ['lists within lists', `{"queries": ${'['.repeat(400_000)}${']'.repeat(400_000)}}`, /queries/],
    ['a name of a megabyte', `{"${'k'.repeat(900_000)}": 1}`, /^k{80}…: is not in the schema/],
    ['a text of megabytes', `Well. ${'{'.repeat(3_000_000)}`, /the first 1000000 characters/],
  ])('%s', async (_, content, error) => {
    const { result, entries, asked } = await runOver(bodyOf(content));
    expect(result.finished.map(({ task }) => task.id)).toEqual(['p0', 'p1', 'p2']);
    expect(asked).toBe(4);
    expect(entries.map((entry) => entry.error === undefined)).toEqual([false, true, true, true]);
    expect(entries[0]?.error).toMatch(error);
    expect(entries[0]?.error?.length).toBeLessThan(300);
    expect(entries[0]?.text.length).toBeLessThanOrEqual(1_000_000);
  });

  it('a label beyond all numbers', async () => {
    const { result, entries } = await runOver(bodyOf('{"label": 1e400}'), labelPrompt, () => '{"label": 2}');
    expect(entries.map(({ error }) => error)).toEqual([
      'a label is not finite',
      undefined,
      undefined,
      undefined,
    ]);
    expect(result.finished.map(({ items }) => items[0]?.label)).toEqual([2, 2, 2]);
  });

  it('an answer of more megabytes than any reply has', async () => {
    for (const content of ['x'.repeat(6_000_000), '\u0001'.repeat(2_500_000)]) {
      const { result, entries, asked } = await runOver(bodyOf(content));
      expect(result.finished).toHaveLength(3);
      expect(asked).toBe(4);
      expect(entries[0]).toMatchObject({ text: '', error: 'the response is longer than 4 MiB' });
    }
  });
});

describe('a token count that is none is left out of the log, and the reply is used:', () => {
  it.each(['3.5', '-5', '1e400', '-1e400', '1e300', '"7"', 'null', '[1]'])('%s', async (count) => {
    const usage = `{"prompt_tokens": ${count}, "completion_tokens": ${count}}`;
    const { result, entries, asked } = await runOver(bodyOf(fittingReply({ messages: [] }), usage));
    expect(asked).toBe(3);
    expect(result.finished).toHaveLength(3);
    expect(result.progress.completionTokens).toBe(0);
    expect(Object.keys(entries[0] ?? {}).filter((name) => name.endsWith('_tokens'))).toEqual([]);
  });

  it('also where an earlier version has logged it', async () => {
    const { entries } = await runOver(bodyOf(fittingReply({ messages: [] }), '{"completion_tokens": 8}'));
    expect(entries[0]?.completion_tokens).toBe(8);
    const line = JSON.stringify({ ...entries[0], prompt_tokens: -5, completion_tokens: 3.5 });
    for await (const entry of readLog(textSource('old.jsonl', `${line}\n`))) {
      expect(entry.text).toBe(entries[0]?.text);
      expect(entry).not.toHaveProperty('completion_tokens');
    }
  });
});
