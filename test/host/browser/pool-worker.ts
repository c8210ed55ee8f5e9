import { serveTasks } from '../../../src/host/browser/worker-tasks.ts';
import { InputError } from '../../../src/core/errors.ts';

export type PoolTask =
  | { readonly action: 'echo' | 'wait'; readonly value: number }
  | { readonly action: 'double'; readonly value: Float32Array<ArrayBuffer> }
  | { readonly action: 'throw'; readonly value: string }
  | { readonly action: 'refuse' | 'end' | 'crash' | 'loop' | 'unsendable' };

const worker = crypto.randomUUID();

/** A worker that does what a test asks of it. */
serveTasks(async (request) => {
  const task = request as PoolTask;
  switch (task.action) {
    case 'echo':
      return { response: { value: task.value, worker } };
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, task.value));
      return { response: { value: task.value, worker } };
    case 'double': {
      const response = task.value.map((x) => 2 * x);
      return { response, transfer: [response.buffer] };
    }
    case 'throw':
      throw new RangeError(task.value);
    case 'refuse':
      throw new InputError('is broken', { remedy: 'Mend it', file: 'corpus.jsonl', line: 7 });
    case 'end':
      close();
      return new Promise(() => undefined);
    case 'crash':
      setTimeout(() => {
        throw new Error('out of the blue');
      });
      return new Promise(() => undefined);
    case 'loop':
      for (;;);
    case 'unsendable':
      return { response: () => 'not cloneable' };
  }
});
