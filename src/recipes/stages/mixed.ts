import type { ListRecord } from '../../corpus/types.ts';
import { makeStage, noWork, type Stage } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';
import { sizeOf, type ListsReport } from './lists.ts';

interface MixedPart {
  readonly origin: string;
  readonly lists: Stage;
  /** What the lists went through, the stage of the source first. */
  readonly history: readonly Stage[];
}

/** The lists of several sources, each marked with the name that its source has in the mix. */
export async function mixedListsStage(name: string, parts: readonly MixedPart[]): Promise<Stage> {
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}, mixed`,
    inputs: { mixed: parts.map(({ origin, lists }) => [origin, lists.key]) },
    needs: parts.map(({ lists }) => lists),
    work: noWork,
    run: async (workshop) => {
      const all: ListRecord[] = [];
      let recorded = false;
      for (const { origin, lists, history } of parts) {
        const [source = lists] = history;
        recorded ||= ((await workshop.resultOf(source)).value as unknown as ListsReport).recorded;
        for (const list of await workshop.listsOf(lists)) all.push({ ...list, origin });
      }
      const value: ListsReport = { ...sizeOf(all), mined: null, guard: {}, recorded };
      return { value, blobs: [encodeLists(all)] };
    },
  });
}
