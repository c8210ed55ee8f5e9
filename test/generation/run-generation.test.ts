import { describe, expect, it } from 'vitest';
import { GenerationLog, runGeneration } from '../../src/generation/index.ts';
import { ScriptedGenerator } from '../support/scripted-generator.ts';
import { fittingReply, openStore, smallPrompt, tasksFor } from './support.ts';

const settings = { seed: 7 };
const noWait = () => Promise.resolve();

describe('a run', () => {
  it('asks for each task, logs the replies and gives the items in the order of the tasks', async () => {
    const log = await GenerationLog.open(await openStore());
    const generator = new ScriptedGenerator(({ request }) => fittingReply(request), { parallel: 3 });
    const tasks = tasksFor(8);
    const { finished, open, progress } = await runGeneration({
      tasks,
      prompt: smallPrompt,
      generator,
      log,
      settings,
    });
    expect(finished.map(({ task }) => task.id)).toEqual(tasks.map(({ id }) => id));
    expect(finished[5]?.items).toEqual([{ text: 'first of 5' }, { text: 'what says number 5' }]);
    expect(open).toEqual([]);
    expect(progress).toMatchObject({ tasks: 8, done: 8, reused: 0, items: 16, replies: 8, secondsLeft: 0 });
    expect(log.size).toBe(8);
    expect(generator.mostAtOnce).toBe(3);
    expect(generator.loads).toBe(1);
  });

  it('does not ask, nor load the model, for what is in the log', async () => {
    const store = await openStore();
    const parts = { tasks: tasksFor(3), prompt: smallPrompt, settings };
    const first = new ScriptedGenerator(({ request }) => fittingReply(request));
    const before = await runGeneration({
      ...parts,
      generator: first,
      log: await GenerationLog.open(store),
    });
    const second = new ScriptedGenerator(() => 'never');
    const after = await runGeneration({ ...parts, generator: second, log: await GenerationLog.open(store) });
    expect(after.finished).toEqual(before.finished);
    expect(second.requests).toEqual([]);
    expect(second.loads).toBe(0);
    expect(after.progress).toMatchObject({ done: 3, reused: 3, replies: 0 });
  });

  it('asks again with the next seed where a reply does not fit, and keeps what did not', async () => {
    const log = await GenerationLog.open(await openStore());
    const generator = new ScriptedGenerator(({ request, index }) =>
      index < 2 ? 'no JSON at all' : fittingReply(request),
    );
    const { finished, progress } = await runGeneration({
      tasks: tasksFor(1),
      prompt: smallPrompt,
      generator,
      log,
      settings,
      sleep: noWait,
    });
    const [a, b, c] = generator.requests.map(({ seed }) => seed);
    expect([b! - a!, c! - b!]).toEqual([1, 1]);
    expect(finished[0]?.entry.attempt).toBe(2);
    expect(progress).toMatchObject({ rejected: 2, replies: 3, done: 1 });
    expect([...log.entries()].map(({ error }) => error)).toEqual([
      'the reply holds no whole JSON object',
      'the reply holds no whole JSON object',
      undefined,
    ]);
  });
});
