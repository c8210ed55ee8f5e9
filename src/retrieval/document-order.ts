import { InputError } from '../core/errors.ts';
import { compareBytes } from '../metrics/ranking.ts';

/**
 * The order that breaks ties between equal scores, trec_eval's: document ids descending by bytes. An index numbers
 * its documents in this order, so that the lower number wins.
 * @returns the positions of `ids` in that order
 * @throws InputError if an id occurs twice
 */
export function tieBreakingOrder(ids: readonly string[]): Int32Array<ArrayBuffer> {
  const order = Int32Array.from(ids.keys()).sort((a, b) => compareBytes(ids[b] ?? '', ids[a] ?? ''));
  for (let i = 1; i < order.length; i++) {
    const id = ids[order[i] as number];
    if (id === ids[order[i - 1] as number]) {
      throw new InputError(`the document id ${JSON.stringify(id)} occurs twice`, {
        remedy: 'Use a unique id for every document',
      });
    }
  }
  return order;
}
