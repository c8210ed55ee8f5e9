import { jsonOf, writtenAs } from '../../core/json.ts';
import { commitInTurn } from '../../host/commit-in-turn.ts';
import type { Store } from '../../host/contract.ts';
import type { KeptWriting } from '../writing-protocol.ts';

const NAMESPACE = 'writing';
const nothing: KeptWriting = { setup: null, reviews: {}, labels: {} };

/** What is kept of a corpus's writing: what was asked, how queries were reviewed, labels. */
export async function keptWriting(store: Store, itemId: string): Promise<KeptWriting> {
  const record = await store.get(NAMESPACE, itemId);
  return record === undefined ? nothing : { ...nothing, ...writtenAs<KeptWriting>(record).value };
}

export async function keepWriting(
  store: Store,
  itemId: string,
  changes: Partial<KeptWriting>,
): Promise<void> {
  const value = jsonOf({ ...(await keptWriting(store, itemId)), ...changes });
  await commitInTurn(store, NAMESPACE, { put: { [itemId]: { value, blobs: [] } } });
}
