import type { ListRecord } from '../../corpus/types.ts';
import { derivedLists, type ListsReport } from '../lists-report.ts';
import type { ListsStage } from '../stage.ts';
import { listsStage } from './lists.ts';

interface MixedPart {
  readonly origin: string;
  /** What is trained on. */
  readonly lists: ListsStage;
  /** The lists as their source made them. */
  readonly source: ListsStage<ListsReport>;
}

/** The lists of several sources, each marked with the name that its source has in the mix. */
export async function mixedListsStage(
  name: string,
  parts: readonly MixedPart[],
): Promise<ListsStage<ListsReport>> {
  return listsStage({
    label: `lists of ${name}, mixed`,
    inputs: { mixed: parts.map(({ origin, lists }) => [origin, lists.key]) },
    needs: parts.map(({ lists }) => lists),
    run: async (workshop) => {
      const all: ListRecord[] = [];
      let recorded = false;
      for (const { origin, lists, source } of parts) {
        recorded ||= (await workshop.resultOf(source)).value.recorded;
        for (const list of await workshop.listsOf(lists)) all.push({ ...list, origin });
      }
      return derivedLists(all, recorded);
    },
  });
}
