/** A generation worker in a browser that lacks something, or that never gets an answer: its name says which. */
import { serveGeneration } from '../../../../src/host/browser/generators/serve.ts';

const oddity = (globalThis as unknown as { readonly name: string }).name;

if (oddity === 'no adapter') {
  Object.defineProperty(Object.getPrototypeOf(navigator), 'gpu', {
    get: () => ({ requestAdapter: () => Promise.resolve(null) }),
  });
}
if (oddity === 'silent server') CacheStorage.prototype.open = () => new Promise(() => undefined);

serveGeneration();
