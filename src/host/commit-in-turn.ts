import { StoreFencedError, type Store, type StoreChanges } from './contract.ts';

/** Changes records that every process or tab may change, since each is about something else: writers take turns. */
export async function commitInTurn(store: Store, namespace: string, changes: StoreChanges): Promise<void> {
  for (;;) {
    const writer = await store.openWriter(namespace);
    try {
      await writer.commit(changes);
      return;
    } catch (error) {
      // Another one has opened a writer in between.
      if (!(error instanceof StoreFencedError)) throw error;
    }
  }
}
