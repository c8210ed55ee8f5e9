import { StoreFencedError, type Store, type StoreChanges } from '../../host/contract.ts';

/**
 * Changes records that every tab may change: each record is of one run or one folder, so tabs that write at the same
 * time take turns.
 */
export async function commitInTurn(store: Store, namespace: string, changes: StoreChanges): Promise<void> {
  for (;;) {
    const writer = await store.openWriter(namespace);
    try {
      await writer.commit(changes);
      return;
    } catch (error) {
      // Another tab has opened a writer in between.
      if (!(error instanceof StoreFencedError)) throw error;
    }
  }
}
