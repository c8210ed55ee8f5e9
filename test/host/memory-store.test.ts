import { MemoryStore } from '../../src/host/memory-store.ts';
import { describeStore } from './store-contract.ts';

describeStore(() => {
  const store = new MemoryStore();
  return () => Promise.resolve(store);
});
