import type { ListRecord } from '../../corpus/types.ts';
import { makeStage, noWork, type Stage } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';
import { sizeOf, type ListsReport } from './lists.ts';

/** The lists of several sources, each marked with the name that its source has in the mix. */
export async function mixedListsStage(
  name: string,
  parts: readonly { readonly origin: string; readonly lists: Stage }[],
): Promise<Stage> {
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}, mixed`,
    inputs: { mixed: parts.map(({ origin, lists }) => [origin, lists.key]) },
    needs: parts.map(({ lists }) => lists),
    work: noWork,
    run: async (workshop) => {
      const all: ListRecord[] = [];
      for (const { origin, lists } of parts) {
        for (const list of await workshop.listsOf(lists)) all.push({ ...list, origin });
      }
      const value: ListsReport = { ...sizeOf(all), mined: null, guard: {}, recorded: false };
      return { value, blobs: [encodeLists(all)] };
    },
  });
}
