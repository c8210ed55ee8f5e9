/** A worker with a store of its own, as another tab would have. */
import { messageOf } from '../../../src/core/errors.ts';
import { IndexedDbStore } from '../../../src/host/browser/store.ts';
import { serveTasks } from '../../../src/host/browser/worker-tasks.ts';

export type StoreTask =
  /** Writes bytes and never commits them. */
  | { readonly action: 'write'; readonly name: string; readonly content: string }
  /** Commits numbers from 0 on until it is refused; the answer is how many and why. */
  | { readonly action: 'commit'; readonly name: string; readonly prefix: string };

serveTasks(async (request) => {
  const task = request as StoreTask;
  const store = await IndexedDbStore.open({ name: task.name, report: () => undefined });
  switch (task.action) {
    case 'write':
      return { response: await store.writeBlob(new TextEncoder().encode(task.content)) };
    case 'commit': {
      const writer = await store.openWriter('training');
      for (let n = 0; ; n++) {
        try {
          await writer.commit({ put: { [`${task.prefix}-${n}`]: { value: n, blobs: [] } } });
        } catch (error) {
          return { response: { commits: n, reason: messageOf(error) } };
        }
      }
    }
  }
});
