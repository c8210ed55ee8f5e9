import type { ByteSource } from '../core/source.ts';
import type { ListRecord } from '../corpus/types.ts';
import {
  readPairNumbers,
  withNumber,
  withPairNumbers,
  type PairNumbers,
  type PairNumbersReport,
} from './pair-numbers.ts';

/** Who judged passages beside their label: a language model (0 to 3), or a person. */
export type Labeler = 'model' | 'hand';

/**
 * Reads what was judged of pairs: tab-separated query id, document id and label, or JSON lines with `query_id`, `id`
 * and `label`.
 *
 * @throws InputError naming the line.
 */
export function readGivenLabels(source: ByteSource): Promise<PairNumbers> {
  return readPairNumbers(source, 'label');
}

/**
 * The lists with these labels, for the rules `model-label` and `hand-label`, in place of any by the same labeler.
 * What a passage is trained as, its own `label`, stays.
 */
export function withGivenLabels(
  lists: readonly ListRecord[],
  labels: PairNumbers,
  by: Labeler,
): { readonly lists: readonly ListRecord[]; readonly report: PairNumbersReport } {
  return withPairNumbers(lists, labels, (document, label) => withNumber(document, `${by}_label`, label));
}
