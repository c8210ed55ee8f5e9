import { describe, expect, it, vi } from 'vitest';
import {
  GenerationLog,
  PauseSwitch,
  runGeneration,
  type GenerationEvent,
  type GenerationParts,
  type GenerationResult,
} from '../../src/generation/index.ts';
import { InputError } from '../../src/core/errors.ts';
import { ScriptedGenerator, type ScriptedAnswer, type ScriptedCall } from '../support/scripted-generator.ts';
import { fittingReply, openStore, smallPrompt, tasksFor } from './support.ts';

const settings = { seed: 7 };
const noWait = () => Promise.resolve();

/** Time that passes only where something waits. */
function simulatedTime() {
  let now = 0;
  const waits: number[] = [];
  return {
    waits,
    clock: { now: () => now },
    sleep: (seconds: number) => {
      waits.push(seconds);
      now += seconds * 1000;
      return Promise.resolve();
    },
    pass: (seconds: number) => (now += seconds * 1000),
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Runs some tasks, each request's first calls answered by the script, and the rest well. */
async function runScript(
  count: number,
  script: readonly ScriptedAnswer[],
  parts: Partial<GenerationParts> = {},
): Promise<{
  result: GenerationResult;
  generator: ScriptedGenerator;
  events: GenerationEvent[];
  log: GenerationLog;
}> {
  const generator = new ScriptedGenerator(({ request, index }) => script[index] ?? fittingReply(request));
  const log = await GenerationLog.open(await openStore());
  const events: GenerationEvent[] = [];
  const result = await runGeneration({
    tasks: tasksFor(count),
    prompt: smallPrompt,
    generator,
    log,
    settings,
    sleep: noWait,
    onEvent: (event) => events.push(event),
    ...parts,
  });
  return { result, generator, events, log };
}

describe('a run', () => {
  it('asks for each task, logs the replies and gives the items in the order of the tasks', async () => {
    const log = await GenerationLog.open(await openStore());
    let release = (): void => undefined;
    const third = new Promise<void>((resolve) => (release = resolve));
    const script = async ({ request, index }: ScriptedCall) => {
      // None is answered before three are under way, however busy the machine is.
      if (index === 2) release();
      await third;
      return fittingReply(request);
    };
    const generator = new ScriptedGenerator(script, { parallel: 3 });
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
      'the reply contains no complete JSON object',
      'the reply contains no complete JSON object',
      undefined,
    ]);
  });
});

describe('a reply that never fits', () => {
  it('leaves its task open after the attempts, and is not asked for again', async () => {
    const store = await openStore();
    const parts = { tasks: tasksFor(2), prompt: smallPrompt, settings: { seed: 7, attempts: 2 } };
    const answers = ({ request }: { request: { messages: readonly { content: string }[] } }) =>
      request.messages.at(-1)?.content.includes('number 0') === true ? 'no' : fittingReply(request);
    for (const asked of [3, 0]) {
      const generator = new ScriptedGenerator(answers);
      const log = await GenerationLog.open(store);
      const { finished, open, progress } = await runGeneration({ ...parts, generator, log });
      expect(finished.map(({ task }) => task.id)).toEqual(['p1']);
      expect(open).toMatchObject([
        { task: { id: 'p0' }, why: 'rejected', reason: 'the reply contains no complete JSON object' },
      ]);
      expect(generator.requests).toHaveLength(asked);
      expect(progress).toMatchObject({ rejected: 2, done: 1, open: 1, secondsLeft: 0 });
    }
    const more = new ScriptedGenerator(({ request }) => fittingReply(request));
    const log = await GenerationLog.open(store);
    const result = await runGeneration({
      ...parts,
      settings: { seed: 7, attempts: 3 },
      generator: more,
      log,
    });
    expect(result.open).toEqual([]);
    expect(more.requests).toHaveLength(1);
  });
});

describe('a failure that may pass', () => {
  const busy = { transient: 'the server is busy' };

  it('is waited for, twice as long each time and not quite equally long', async () => {
    const time = simulatedTime();
    const { result, generator } = await runScript(1, [busy, busy, busy, busy], { ...time });
    expect(result.finished).toHaveLength(1);
    expect(new Set(generator.requests.map(({ id }) => id)).size).toBe(1);
    expect(time.waits).toHaveLength(4);
    time.waits.forEach((seconds, i) => {
      expect(seconds).toBeGreaterThanOrEqual(2 ** i);
      expect(seconds).toBeLessThan(1.5 * 2 ** i);
    });
    const again = simulatedTime();
    await runScript(1, [busy, busy, busy, busy], { ...again });
    expect(again.waits).toEqual(time.waits);
  });

  it('is waited for as long as the other side asks, by all', async () => {
    const time = simulatedTime();
    const { result } = await runScript(1, [{ ...busy, retryAfterSeconds: 90 }], { ...time });
    expect(result.finished).toHaveLength(1);
    expect(sum(time.waits)).toBeGreaterThanOrEqual(90);

    const sentAt: number[] = [];
    const shared = simulatedTime();
    let otherSent: () => void = () => undefined;
    const other = new Promise<void>((resolve) => (otherSent = resolve));
    const generator = new ScriptedGenerator(
      async ({ request, index }) => {
        sentAt.push(shared.clock.now());
        if (index === 1) otherSent();
        if (index > 0) return fittingReply(request);
        // However slow the machine is, the request of the other line is under way by then.
        await other;
        return { ...busy, retryAfterSeconds: 30 };
      },
      { parallel: 2 },
    );
    const log = await GenerationLog.open(await openStore());
    const sleep = async (seconds: number): Promise<void> => {
      // Long enough for the other line to go on, if it were to.
      await new Promise((resolve) => setTimeout(resolve, 20));
      await shared.sleep(seconds);
    };
    const { clock } = shared;
    await runGeneration({ tasks: tasksFor(6), prompt: smallPrompt, generator, log, settings, clock, sleep });
    // The one beside it was under way already; nothing else was sent before its time.
    expect(sentAt.filter((at) => at > 0 && at < 30_000)).toEqual([]);
    expect(sentAt.filter((at) => at === 0)).toHaveLength(2);
  });

  it('is waited for up to an hour, and says all the while why and how long', async () => {
    const time = simulatedTime();
    const { result, events } = await runScript(1, [{ ...busy, retryAfterSeconds: 3600 }], { ...time });
    expect(result.finished).toHaveLength(1);
    expect(sum(time.waits)).toBe(3600);
    const told = events.filter((event) => event.kind === 'waiting');
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set([busy.transient]));
    expect(told[0]?.seconds).toBe(3600);
    // At least once a minute, with less left each time.
    expect(told.length).toBeGreaterThanOrEqual(60);
    expect(told.every(({ seconds }, i) => i === 0 || seconds < told[i - 1]!.seconds)).toBe(true);
  });

  it.each([
    [3601, '2026-01-01 13:00 UTC'],
    [30 * 24 * 3600, '2026-01-31 12:00 UTC'],
    [1e15, 'after the year 9999'],
    [Infinity, 'after the year 9999'],
  ])('is left to a later run where the server asks to wait %d s', async (seconds, until) => {
    const time = simulatedTime();
    const { result, generator, log } = await runScript(
      20,
      ['no JSON', { ...busy, retryAfterSeconds: seconds }],
      {
        ...time,
        wallClock: () => new Date(Date.UTC(2026, 0, 1, 12, 0, 0)),
      },
    );
    // What was asked before is kept; nothing is asked after it, and nobody waits.
    expect(generator.requests).toHaveLength(2);
    expect(log.size).toBe(1);
    expect(time.waits).toEqual([]);
    expect(result.open).toHaveLength(20);
    expect(new Set(result.open.map(({ why, reason }) => `${why}: ${reason}`))).toEqual(
      new Set([`failed: the server is busy; the server asks to wait until ${until}`]),
    );
    const again = new ScriptedGenerator(({ request }) => fittingReply(request));
    const next = await runGeneration({
      ...{ tasks: tasksFor(20), prompt: smallPrompt, generator: again, log, settings },
    });
    expect(next.finished).toHaveLength(20);
  });

  it('is not a deadline of months', async () => {
    const { result, events } = await runScript(2, [], { settings: { seed: 7, deadlineSeconds: 1e7 } });
    expect(result.finished).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === 'waiting')).toEqual([]);
  });

  it('leaves a task open when it does not pass, and the others go on', async () => {
    const { result, events, log } = await runScript(3, [busy, busy, busy], {
      settings: { seed: 7, tries: 3 },
    });
    expect(result.open).toMatchObject([{ task: { id: 'p0' }, why: 'failed', reason: 'the server is busy' }]);
    expect(result.finished.map(({ task }) => task.id)).toEqual(['p1', 'p2']);
    expect(log.size).toBe(2);
    expect(events.filter(({ kind }) => kind === 'waiting')).toHaveLength(2);
    expect(events.at(-1)?.progress.secondsLeft).toBe(0);
  });

  it('leaves the rest open when nothing is answered any more', async () => {
    const { result, generator } = await runScript(1000, Array<ScriptedAnswer>(50).fill(busy), {
      settings: { seed: 7, tries: 2 },
    });
    expect(generator.requests.length).toBe(10);
    expect(result.open).toHaveLength(1000);
    expect(result.open[999]?.reason).toBe('not requested: 5 tasks in a row had no response');
  });

  it('now and then is no reason to give up', async () => {
    const script = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? busy : undefined) as ScriptedAnswer);
    const { result } = await runScript(20, script, { settings: { seed: 7, tries: 1 } });
    expect(result.finished).toHaveLength(10);
    expect(new Set(result.open.map(({ reason }) => reason))).toEqual(new Set([busy.transient]));
  });

  it('may be silence', async () => {
    for (const stalls of ['abortable', 'deaf'] as const) {
      const { result, events } = await runScript(1, [{ stalls }], {
        settings: { seed: 7, deadlineSeconds: 0.02 },
      });
      expect(result.finished).toHaveLength(1);
      expect(events.flatMap((event) => (event.kind === 'waiting' ? event.reason : []))).toEqual([
        'no response within 0.02 s',
      ]);
    }
  });
});

describe('what ends a run', () => {
  it('is a failure that the user has to mend, with everything kept', async () => {
    const store = await openStore();
    const log = await GenerationLog.open(store);
    const wrong = new InputError('the key is wrong', { remedy: 'Give another' });
    const generator = new ScriptedGenerator(
      ({ request, index }) => (index === 3 ? { error: wrong } : fittingReply(request)),
      { parallel: 2 },
    );
    const parts = { tasks: tasksFor(10), prompt: smallPrompt, settings };
    await expect(runGeneration({ ...parts, generator, log })).rejects.toBe(wrong);
    expect(log.size).toBeGreaterThanOrEqual(2);
    expect(generator.requests.length).toBeLessThanOrEqual(5);
    const second = new ScriptedGenerator(({ request }) => fittingReply(request));
    const kept = log.size;
    await runGeneration({ ...parts, generator: second, log: await GenerationLog.open(store) });
    expect(second.requests).toHaveLength(10 - kept);
  });

  it('is the user, also while a deaf model writes or a wait lasts', async () => {
    for (const answer of [{ stalls: 'deaf' as const }, { transient: 'busy', retryAfterSeconds: 1000 }]) {
      const stop = new AbortController();
      const reason = new Error('enough');
      const generator = new ScriptedGenerator(({ request, index }) => {
        if (index === 2) setTimeout(() => stop.abort(reason), 5);
        return index === 2 ? answer : fittingReply(request);
      });
      const log = await GenerationLog.open(await openStore());
      const run = runGeneration({
        tasks: tasksFor(5),
        prompt: smallPrompt,
        generator,
        log,
        settings,
        signal: stop.signal,
      });
      await expect(run).rejects.toBe(reason);
      expect(log.size).toBe(2);
      expect(generator.requests).toHaveLength(3);
    }
    await expect(runScript(1, [], { signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow(
      'never',
    );
  });

  it('is what cannot be told apart, or has no text', async () => {
    const tasks = tasksFor(2);
    await expect(runScript(0, [], { tasks: [tasks[0]!, tasks[0]!] })).rejects.toThrow(
      'two input texts have the id "p0". Use a unique id for each.',
    );
    await expect(runScript(0, [], { tasks: [{ id: 'a', slots: { passage: ' ' } }] })).rejects.toThrow(
      'the prompt small@1 has no text for its slot "passage"',
    );
  });
});

describe('a pause', () => {
  it('holds the run between two requests, and does not count', async () => {
    const time = simulatedTime();
    const pause = new PauseSwitch();
    // However long the reply before it takes to be stored, the pause begins when the run comes to it.
    const passed = pause.passed.bind(pause);
    vi.spyOn(pause, 'passed').mockImplementation((signal) => {
      if (pause.isPaused) {
        setTimeout(() => {
          time.pass(1000);
          expect(generator.requests).toHaveLength(2);
          pause.resume();
        }, 10);
      }
      return passed(signal);
    });
    const generator = new ScriptedGenerator(({ request, index }) => {
      time.pass(2);
      if (index === 1) void pause.pause();
      return fittingReply(request);
    });
    const log = await GenerationLog.open(await openStore());
    const { progress } = await runGeneration({
      ...{ tasks: tasksFor(4), prompt: smallPrompt, generator, log, settings, pause },
      clock: time.clock,
    });
    expect(progress).toMatchObject({ done: 4, seconds: 8 });
  });

  it('ends with the run', async () => {
    const pause = new PauseSwitch();
    void pause.pause();
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('enough')), 5);
    await expect(runScript(1, [], { pause, signal: stop.signal })).rejects.toThrow('enough');
  });
});

it('progress says how fast it goes and how long it takes', async () => {
  const time = simulatedTime();
  const generator = new ScriptedGenerator(({ request }) => {
    time.pass(2);
    return { text: fittingReply(request), completionTokens: 30 };
  });
  const seen: (number | undefined)[] = [];
  const { progress } = await runGeneration({
    tasks: tasksFor(5),
    prompt: smallPrompt,
    generator,
    log: await GenerationLog.open(await openStore()),
    settings,
    clock: time.clock,
    onEvent: ({ kind, progress: now }) => {
      if (kind === 'finished-task') seen.push(now.secondsLeft);
    },
  });
  expect(seen).toEqual([8, 6, 4, 2, 0]);
  expect(progress).toMatchObject({
    seconds: 10,
    completionTokens: 150,
    tokensPerSecond: 15,
    itemsPerHour: 3600,
  });
});

it('the seeds of tasks differ, and stay below 2^31', async () => {
  const { generator } = await runScript(50, []);
  const seeds = generator.requests.map(({ seed }) => seed);
  expect(new Set(seeds).size).toBe(50);
  expect(seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 31 - 100)).toBe(true);
});
