import { describe, expect, it, vi } from 'vitest';
import { InputError } from '../../../../src/core/errors.ts';
import {
  TransientGeneratorError,
  type GenerationReply,
  type GenerationRequest,
  type GeneratorLoadProgress,
} from '../../../../src/host/generator.ts';
import { LocalGenerator } from '../../../../src/host/browser/generators/local-generator.ts';
import { sendError } from '../../../../src/host/sent-error.ts';

/** What goes to a worker: a request, or, without a call, the wish that one stop. */
interface Order {
  readonly id: number;
  readonly call?: string;
  readonly ask?: unknown;
}

/** Speaks the worker's side of the channel as a test tells it to. */
class FakeWorker extends EventTarget {
  readonly orders: Order[] = [];
  isTerminated = false;
  readonly #answer: (order: Order, worker: FakeWorker) => void;

  constructor(answer: (order: Order, worker: FakeWorker) => void) {
    super();
    this.#answer = answer;
  }

  postMessage(order: Order): void {
    this.orders.push(order);
    queueMicrotask(() => this.#answer(order, this));
  }

  terminate(): void {
    this.isTerminated = true;
  }

  post(message: unknown): void {
    if (!this.isTerminated) this.dispatchEvent(new MessageEvent('message', { data: message }));
  }

  refuse(id: number, error: Error): void {
    this.post({ kind: 'refusal', id, error: sendError(error) });
  }

  get calls(): string[] {
    return this.orders.map(({ call = 'stop' }) => call);
  }
}

type Orders = Readonly<Record<string, (id: number, worker: FakeWorker) => void>>;

const reply = (text: string): GenerationReply => ({ text, finish: 'stop', seconds: 1 });

const usual: Orders = {
  load: (id, worker) => worker.post({ kind: 'answer', id, answer: null }),
  generate: (id, worker) => worker.post({ kind: 'answer', id, answer: reply(`reply ${id}`) }),
  close: (id, worker) => worker.post({ kind: 'answer', id, answer: null }),
  forget: (id, worker) => worker.post({ kind: 'answer', id, answer: null }),
};

/** A generator whose first worker behaves as told, then each next one. */
function open(
  behaviors: readonly Orders[] = [],
  options: { loadSilenceMs?: number; replySilenceMs?: number } = {},
) {
  const workers: FakeWorker[] = [];
  const generator = new LocalGenerator(
    { kind: 'webllm', model: 'Some-q4f32_1-MLC' },
    {
      stopMs: 30,
      ...options,
      start: () => {
        const orders: Orders = { ...usual, ...behaviors[workers.length] };
        const worker = new FakeWorker((order, self) => orders[order.call ?? 'stop']?.(order.id, self));
        workers.push(worker);
        return worker as unknown as Worker;
      },
    },
  );
  return { generator, workers };
}

const request: GenerationRequest = {
  id: 'one',
  messages: [{ role: 'user', content: 'Write.' }],
  sampling: { maxTokens: 5 },
  seed: 1,
};

describe('a generator in a worker', () => {
  it('loads once for several calls, and tells each of them how far it is', async () => {
    const { generator, workers } = open([
      {
        load: (id, worker) => {
          worker.post({ kind: 'progress', id, progress: { phase: 'download', share: 0.5 } });
          worker.post({ kind: 'answer', id, answer: null });
        },
      },
    ]);
    const heard: GeneratorLoadProgress[] = [];
    const load = () => generator.load({ onProgress: (progress) => heard.push(progress) });
    await Promise.all([load(), load()]);
    await load();
    expect(heard).toEqual([
      { phase: 'download', share: 0.5 },
      { phase: 'download', share: 0.5 },
    ]);
    expect(workers.map(({ calls }) => calls)).toEqual([['load']]);
  });

  it('asks for one reply at a time, in the order of the questions', async () => {
    let running = 0;
    const { generator, workers } = open([
      {
        generate: (id, worker) => {
          running++;
          expect(running).toBe(1);
          setTimeout(() => {
            running--;
            worker.post({ kind: 'answer', id, answer: reply(`reply ${id}`) });
          }, 5);
        },
      },
    ]);
    const replies = await Promise.all([1, 2, 3].map(() => generator.generate(request)));
    expect(replies.map(({ text }) => text)).toEqual(['reply 2', 'reply 3', 'reply 4']);
    expect(workers[0]?.calls).toEqual(['load', 'generate', 'generate', 'generate']);
  });

  it('stops the reply that is no longer wanted, and only that one', async () => {
    const { generator, workers } = open([
      {
        generate: (id, worker) => {
          if (id !== 2) worker.post({ kind: 'answer', id, answer: reply('whole') });
        },
        stop: (id, worker) => worker.refuse(id, new DOMException('ended', 'AbortError')),
      },
    ]);
    const abort = new AbortController();
    const first = generator.generate(request, abort.signal);
    const second = generator.generate(request);
    const waiting = new AbortController();
    const third = generator.generate(request, waiting.signal);
    waiting.abort(new Error('not any more'));
    await expect(third).rejects.toThrow('not any more');
    setTimeout(() => abort.abort(new Error('enough')), 10);
    await expect(first).rejects.toThrow('enough');
    expect((await second).text).toBe('whole');
    expect(workers[0]?.calls).toEqual(['load', 'generate', 'stop', 'generate']);
    expect(workers[0]?.isTerminated).toBe(false);
  });

  it('ends a worker that does not stop, and loads the model again for the next reply', async () => {
    const { generator, workers } = open([{ generate: () => undefined }]);
    const abort = new AbortController();
    const first = generator.generate(request, abort.signal);
    const second = generator.generate(request);
    setTimeout(() => abort.abort(new Error('enough')), 10);
    await expect(first).rejects.toThrow('enough');
    expect((await second).text).toBe('reply 2');
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
  });

  it('waits for no worker that says nothing, but for one that writes slowly', async () => {
    const silent = open([{ generate: () => undefined }], { replySilenceMs: 30 });
    const lost = silent.generator.generate(request);
    await expect(lost).rejects.toThrow(TransientGeneratorError);
    await expect(lost).rejects.toThrow(
      'the worker of the language model was lost: it did not respond for 0.03 s',
    );
    expect((await silent.generator.generate(request)).text).toBe('reply 2');

    const slow = open(
      [
        {
          generate: (id, worker) => {
            const tokens = setInterval(() => worker.post({ kind: 'progress', id, progress: null }), 10);
            setTimeout(() => {
              clearInterval(tokens);
              worker.post({ kind: 'answer', id, answer: reply('slow') });
            }, 150);
          },
        },
      ],
      { replySilenceMs: 60 },
    );
    expect((await slow.generator.generate(request)).text).toBe('slow');
    const stuck = open([{ load: () => undefined }], { loadSilenceMs: 30 });
    await expect(stuck.generator.load()).rejects.toThrow(/did not respond for 0\.03 s/);
  });

  it('refuses everything that is open when the worker fails, and starts another', async () => {
    const { generator, workers } = open([
      {
        generate: (_, worker) => {
          const event = new Event('error', { cancelable: true });
          worker.dispatchEvent(Object.assign(event, { message: 'out of memory' }));
        },
      },
    ]);
    const first = generator.generate(request);
    const second = generator.generate(request);
    await expect(first).rejects.toThrow('the worker of the language model was lost: out of memory');
    expect((await second).text).toBe('reply 2');
    expect(workers).toHaveLength(2);
  });

  it('keeps an InputError whole, and the model with it; a lost model is loaded again', async () => {
    const { generator, workers } = open([
      {
        generate: (id, worker) => {
          worker.refuse(
            id,
            id === 2
              ? new InputError('the prompt is too long', { remedy: 'Shorten it' })
              : new TransientGeneratorError('the GPU was lost'),
          );
        },
      },
    ]);
    const error = await generator.generate(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ problem: 'the prompt is too long', remedy: 'Shorten it' });
    await expect(generator.generate(request)).rejects.toThrow(TransientGeneratorError);
    expect((await generator.generate(request)).text).toBe('reply 2');
    expect(workers.map(({ calls }) => calls)).toEqual([
      ['load', 'generate', 'generate'],
      ['load', 'generate'],
    ]);
  });

  it('ends a load that is canceled for all who wait for it, and can load again', async () => {
    const { generator, workers } = open([{ load: () => undefined }]);
    const abort = new AbortController();
    const first = generator.load({ signal: abort.signal });
    const second = generator.load();
    abort.abort(new Error('changed my mind'));
    await expect(first).rejects.toThrow('changed my mind');
    await expect(second).rejects.toThrow('its load was canceled');
    expect(workers[0]?.isTerminated).toBe(true);
    await generator.load();
    expect(workers).toHaveLength(2);
    await expect(generator.load({ signal: abort.signal })).rejects.toThrow('changed my mind');
  });

  it('tries a load that failed anew', async () => {
    const { generator, workers } = open([
      { load: (id, worker) => worker.refuse(id, new InputError('404', { remedy: 'Check it' })) },
    ]);
    await expect(generator.load()).rejects.toThrow('404. Check it.');
    expect(workers[0]?.isTerminated).toBe(true);
    await generator.load();
    expect(workers).toHaveLength(2);
  });

  it('unloads: lets go of the GPU, ends the worker, and whoever waits in line hears of it', async () => {
    const { generator, workers } = open([{ generate: () => undefined }]);
    const first = generator.generate(request);
    const second = generator.generate(request);
    await vi.waitFor(() => expect(workers[0]?.calls).toContain('generate'));
    await generator.unload();
    await expect(first).rejects.toThrow('the worker of the language model was lost: the model was unloaded');
    await expect(second).rejects.toThrow('the language model was unloaded');
    expect(workers[0]?.calls).toEqual(['load', 'generate', 'close']);
    expect(workers[0]?.isTerminated).toBe(true);
    expect(workers).toHaveLength(1);
    await generator.unload();
    expect((await generator.generate(request)).text).toBe('reply 2');
  });
});
