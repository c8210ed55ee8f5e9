import { threadId } from 'node:worker_threads';
import { InputError, OutOfMemoryError } from '../../dist/src/core/errors.js';
import { serveTasks } from '../../dist/src/host/node/worker-tasks.js';

/** A worker that does what a test asks of it. */
serveTasks(async ({ action, value }) => {
  switch (action) {
    case 'echo':
      return { response: { value, threadId } };
    case 'wait':
      await new Promise((resolve) => setTimeout(resolve, value));
      return { response: { value, threadId } };
    case 'double': {
      const response = value.map((x) => 2 * x);
      return { response, transfer: [response.buffer] };
    }
    case 'throw':
      throw new RangeError(value);
    case 'refuse':
      throw new InputError('is broken', { remedy: 'Mend it', file: 'corpus.jsonl', line: 7 });
    case 'exhaust':
      throw new OutOfMemoryError('too little memory', {
        remedy: 'Use less',
        cause: new RangeError('Array buffer allocation failed'),
      });
    case 'exit':
      process.exit(value);
      break;
    case 'crash':
      setTimeout(() => {
        throw new Error('out of the blue');
      });
      return new Promise(() => {});
    case 'loop':
      for (;;);
    default:
      return { response: () => 'not cloneable' };
  }
});
