import type { Runtime } from './contract.ts';

function refuse(): never {
  throw new Error('this work was begun without a runtime, and asks for one');
}

/** Stands for a runtime in work that runs no model: opening one takes longer than such work. */
export const noRuntime: Runtime = {
  device: 'cpu',
  threads: 0,
  largestTensorBytes: 0,
  fingerprint: {},
  tensor: refuse,
  upload: refuse,
  read: refuse,
  readAll: refuse,
  hostMemory: refuse,
  createSession: refuse,
  availableMemory: () => Infinity,
  close: () => Promise.resolve(),
};
