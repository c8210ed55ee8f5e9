import type { ListRecord } from '../../corpus/types.ts';
import { documentsToMine } from '../../lists/candidates.ts';
import { mineHardNegatives } from '../../lists/hard-negatives.ts';
import { rankWithBm25 } from '../../retrieval/retrieve.ts';
import type { Bm25Settings } from '../../retrieval/bm25.ts';
import type { HeldOut } from '../held-out.ts';
import { sizeOf } from '../lists-report.ts';
import type { QuerySet } from '../query-set.ts';
import { hashInParts } from '../recipe-corpus.ts';
import { defineListsStage, noWork, type ListsStage, type Workshop } from '../stage.ts';
import { listsBlob } from '../stored-forms.ts';

const devLists = defineListsStage<ReturnType<typeof sizeOf>>({ kind: 'dev', version: 1 });

/** Ready lists as the dev set. */
export async function readyDevStage(lists: readonly ListRecord[]): Promise<ListsStage> {
  return devLists({
    label: 'dev queries',
    inputs: { lists: await hashInParts(lists) },
    needs: [],
    run: () => Promise.resolve({ value: sizeOf(lists), blobs: [listsBlob(lists)] }),
  });
}

/** The passages among which the dev queries' positives are to be found: theirs, and BM25's best candidates. */
export async function devStage(
  { corpus }: Pick<Workshop, 'corpus'>,
  dev: QuerySet,
  heldOut: HeldOut,
  candidates: number,
  bm25: Bm25Settings,
): Promise<ListsStage> {
  return devLists({
    label: 'dev queries',
    inputs: { passages: corpus.passages.hash, dev: dev.input, candidates, bm25: { ...bm25 } },
    needs: dev.needs,
    work: { ...noWork, seconds: corpus.passages.size * 4e-5 },
    run: async (workshop) => {
      const { queries, judgments } = await dev.open(workshop);
      const index = await workshop.bm25(bm25);
      // What is relevant makes room for the next.
      const depth = 2 * candidates + 10;
      const ranking = rankWithBm25(index, queries, { k: depth });
      const sources = [{ source: 'bm25', ranking }];
      const ids = documentsToMine(queries, judgments, sources, {
        firstRank: 1,
        lastRank: depth,
      });
      const texts = await corpus.passages.textsOf(ids);
      const { lists } = mineHardNegatives(
        queries,
        judgments,
        sources,
        (id) => heldOut.devTextOf(id) ?? texts.get(id),
        { negatives: candidates, firstRank: 1, lastRank: depth, pick: 'top', seed: 0, lists: 'per-query' },
      );
      return { value: sizeOf(lists), blobs: [listsBlob(lists)] };
    },
  });
}
