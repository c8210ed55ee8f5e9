import { isPositive } from '../../corpus/text-key.ts';
import type { ListRecord, Source } from '../../corpus/types.ts';
import { norm } from '../../core/exact-math.ts';
import type { LossSpec } from '../../losses/loss-spec.ts';
import type { EmbedTexts } from '../../retrieval/retrieve.ts';
import { DocumentNumbers, layOutBatch } from '../../training/batch-layout.ts';
import { exactBatchLoss } from '../../training/similarity.ts';

/** A type alias, so that it is assignable to Json. */
export type GradientShare = Readonly<{
  /** Of Σ‖∂loss/∂vector‖ over all passages that are not positives. */
  share: number;
  /** The same sum for each of the source's passages. */
  perPassage: number;
}>;

/**
 * Who would teach an encoder how much: the length of ∂loss/∂vector of each passage, summed by source. It follows from
 * ∂loss/∂score alone; which parameters move is not looked at. Lists stand in batches in their order, each with its
 * first positive and all other passages.
 */
export async function gradientShares(
  lists: readonly ListRecord[],
  embed: EmbedTexts,
  loss: LossSpec,
  batchSize = 16,
): Promise<ReadonlyMap<Source, GradientShare>> {
  const sums = new Map<Source, { length: number; passages: number }>();
  const numbers = new DocumentNumbers();
  for (let from = 0; from < lists.length; from += batchSize) {
    const sampled = lists.slice(from, from + batchSize).map((record) => {
      const positive = Math.max(
        0,
        record.documents.findIndex((document) => isPositive(document)),
      );
      return { record, documents: record.documents, positive };
    });
    const layout = layOutBatch(sampled, numbers);
    const documents = sampled.flatMap((list) => list.documents);
    const queries = await embed(
      sampled.map(({ record }) => record.query),
      'query',
    );
    const passages = await embed(
      documents.map(({ text }) => text),
      'passage',
    );
    const dimension = passages.length / documents.length;
    const { passageGradient } = await exactBatchLoss(loss, { queries, passages, dimension }, layout, {
      similarity: 'cosine',
    });
    for (const [i, document] of documents.entries()) {
      if (isPositive(document)) continue;
      const known = sums.get(document.source) ?? { length: 0, passages: 0 };
      known.length += norm(passageGradient.subarray(i * dimension, (i + 1) * dimension));
      known.passages++;
      sums.set(document.source, known);
    }
  }
  const all = [...sums.values()].reduce((sum, { length }) => sum + length, 0);
  return new Map(
    [...sums].map(([source, { length, passages }]) => [
      source,
      { share: all === 0 ? 0 : length / all, perPassage: length / passages },
    ]),
  );
}
