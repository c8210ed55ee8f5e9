import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { serveCalls, WorkerChannel, type Handlers, type WorkerVoice } from '../../src/host/channel.ts';
import {
  DeadlineError,
  DeviceLostError,
  InputError,
  ResourceError,
  WorkerLostError,
} from '../../src/core/errors.ts';
import { TransientGeneratorError } from '../../src/host/generator.ts';

interface TestCalls {
  double: { readonly ask: number; readonly answer: number };
  move: { readonly ask: Uint8Array; readonly answer: Uint8Array };
  fail: { readonly ask: null; readonly answer: null };
  count: { readonly ask: { readonly to: number }; readonly answer: string; readonly progress: number };
  hang: { readonly ask: null; readonly answer: null };
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** Both ends, over messages that are cloned as between threads. */
function connect(own: Partial<Handlers<TestCalls>> = {}, heartbeatMs?: number) {
  const { port1, port2 } = new MessageChannel();
  const moved: Uint8Array[] = [];
  const told: string[] = [];
  const state = { isBusy: false, isTerminated: false };
  const voice: WorkerVoice<string> = serveCalls<TestCalls, string>(
    {
      post: (message, transfer) => port2.postMessage(message, transfer),
      listen: (hear) => port2.on('message', hear),
    },
    {
      double: (number) => 2 * number,
      move: (bytes, { transfer }) => {
        transfer.push(bytes.buffer as ArrayBuffer);
        moved.push(bytes);
        return bytes;
      },
      fail: () => Promise.reject(new Error('nothing')),
      count: async ({ to }, { tell, signal }) => {
        for (let number = 1; number <= to; number++) {
          if (signal.aborted) return `stopped at ${number}`;
          tell(number);
          await sleep(5);
        }
        return 'done';
      },
      hang: () => new Promise<null>(() => undefined),
      ...own,
    },
    heartbeatMs,
  );
  let lose: (reason: string) => void = () => undefined;
  const channel = new WorkerChannel<TestCalls, string>(
    ({ onMessage, onLost }) => {
      port1.on('message', onMessage);
      lose = onLost;
      return {
        post: (message, transfer) => port1.postMessage(message, transfer),
        setBusy: (busy) => (state.isBusy = busy),
        terminate: () => {
          state.isTerminated = true;
          port1.close();
          return Promise.resolve();
        },
      };
    },
    'the test worker',
    (event) => told.push(event),
  );
  open.push(() => channel.end('the test is over'));
  return { channel, voice, state, moved, told, port1, port2, lose: (reason: string) => lose(reason) };
}

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );

const fieldsOf = (error: Error): Record<string, unknown> => Object.fromEntries(Object.entries(error));

describe('a channel to a worker', () => {
  it('gives each request its own answer, and says when it is busy', async () => {
    const { channel, state } = connect();
    const answers = [1, 2, 3].map((number) => channel.ask('double', number));
    expect(state.isBusy).toBe(true);
    expect(await Promise.all(answers)).toEqual([2, 4, 6]);
    expect(state.isBusy).toBe(false);
  });

  it('moves buffers there and back', async () => {
    const { channel, moved } = connect();
    const bytes = Uint8Array.of(1, 2, 3);
    expect(await channel.ask('move', bytes, { transfer: [bytes.buffer] })).toEqual(Uint8Array.of(1, 2, 3));
    expect(bytes.length).toBe(0);
    expect(moved.map(({ length }) => length)).toEqual([0]);
  });

  it('tells progress to its request alone, and events to all', async () => {
    const { channel, voice, told } = connect();
    const progress: number[][] = [[], []];
    const counts = progress.map((numbers, i) =>
      channel.ask('count', { to: i + 2 }, { onProgress: (number) => numbers.push(number) }),
    );
    voice.tell('by the way');
    expect(await Promise.all(counts)).toEqual(['done', 'done']);
    expect(progress).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
    expect(told).toEqual(['by the way']);
  });

  it.each<[string, Error, new (...parameters: never[]) => Error]>([
    [
      'what is wrong with the input',
      new InputError('is broken', {
        remedy: 'Fix it',
        file: 'a.jsonl',
        line: 7,
        cause: new TypeError('deep'),
      }),
      InputError,
    ],
    ['what the machine lacks', new ResourceError('no space', { remedy: 'Free some' }), ResourceError],
    ['a generator that may be asked again', new TransientGeneratorError('busy'), TransientGeneratorError],
    ['an error of the language', new RangeError('too long'), Error],
  ])('rejects with the same error: %s', async (_, error, Class) => {
    const { channel } = connect({ fail: () => Promise.reject(error) });
    const restored = await thrown(channel.ask('fail', null));
    expect(restored).toBeInstanceOf(Class);
    expect(restored).toMatchObject({ ...fieldsOf(error), name: error.name, message: error.message });
    expect((restored as Error).stack).toBe(error.stack);
    expect(((restored as Error).cause as Error | undefined)?.message).toBe(
      (error.cause as Error | undefined)?.message,
    );
    expect(await channel.ask('double', 4)).toBe(8);
  });

  it('names a request that the worker does not know, and an answer that cannot be sent', async () => {
    const { channel } = connect({ double: () => (() => 1) as never });
    await expect(channel.ask('toString' as 'hang', null)).rejects.toThrow(
      'does not know the request "toString"',
    );
    expect(await thrown(channel.ask('double', 1))).toMatchObject({ name: 'DataCloneError' });
    expect(await thrown(channel.ask('double', (() => 1) as never))).toMatchObject({ name: 'DataCloneError' });
    expect(channel.isBusy).toBe(false);
  });

  it('asks a request to stop, also one whose signal was aborted before; its answer is the outcome', async () => {
    const { channel } = connect();
    const abort = new AbortController();
    const counting = channel.ask(
      'count',
      { to: 1e6 },
      { signal: abort.signal, onProgress: (number) => number === 3 && abort.abort() },
    );
    expect(await counting).toMatch(/^stopped at \d+$/);
    expect(await channel.ask('count', { to: 1e6 }, { signal: abort.signal })).toBe('stopped at 2');
    expect(channel.hasEnded).toBe(false);
  });

  it('ends a worker that does not stop in time', async () => {
    const { channel, state } = connect();
    const hanging = channel.ask('hang', null, { signal: AbortSignal.abort(), stopMs: 20 });
    const other = channel.ask('hang', null);
    await expect(hanging).rejects.toThrow('the test worker was lost: it did not respond for 0.02 s');
    await expect(other).rejects.toThrow(WorkerLostError);
    expect(state).toEqual({ isBusy: false, isTerminated: true });
  });

  it('ends a worker that is silent, and none that gives signs of life', async () => {
    const silent = connect();
    await expect(silent.channel.ask('hang', null, { silenceMs: 20 })).rejects.toThrow(WorkerLostError);
    const alive = connect({}, 10);
    const hanging = thrown(alive.channel.ask('hang', null, { silenceMs: 300 }));
    const slow = connect();
    expect(await slow.channel.ask('count', { to: 100 }, { silenceMs: 300 })).toBe('done');
    alive.channel.end('enough');
    expect(await hanging).toMatchObject({ message: 'the test worker was lost: enough' });
  });

  it('rejects everything under way and to come with one error when the worker is lost', async () => {
    const { channel, lose } = connect();
    const errors = [thrown(channel.ask('hang', null)), thrown(channel.ask('double', 1))];
    lose('out of memory');
    lose('it exited with code 1');
    const [first, second] = await Promise.all(errors);
    expect(first).toBeInstanceOf(WorkerLostError);
    expect(first).toMatchObject({ message: 'the test worker was lost: out of memory' });
    expect(second).toBe(first);
    expect(await thrown(channel.ask('double', 1))).toBe(first);
  });

  it.each([new DeviceLostError('unknown', 'its driver crashed'), new DeadlineError('run', 1000)])(
    'holds a worker for lost whose runtime is: $name',
    async (error) => {
      const refused = connect({ fail: () => Promise.reject(error) });
      const both = [thrown(refused.channel.ask('hang', null)), thrown(refused.channel.ask('fail', null))];
      for (const lost of await Promise.all(both)) {
        expect(lost).toBeInstanceOf(WorkerLostError);
        expect((lost as Error).cause).toBeInstanceOf(error.constructor);
        expect((lost as Error).cause).toMatchObject({ ...fieldsOf(error), message: error.message });
      }
      const told = connect();
      const hanging = thrown(told.channel.ask('hang', null));
      told.voice.lost(error);
      expect(await hanging).toMatchObject({ message: `the test worker was lost: ${error.message}` });
    },
  );

  it('takes no notice of messages that are none of its own', async () => {
    const { channel, port1, port2 } = connect();
    for (const message of [null, 7, 'text', {}, { kind: 'answer', id: 99 }, { id: 99 }, []]) {
      port2.postMessage(message);
      port1.postMessage(message);
    }
    expect(await channel.ask('double', 5)).toBe(10);
  });
});
