import { InputError } from '../../host/errors.ts';
import { plantPositives } from '../../mining/planted.ts';
import { omit } from '../omit.ts';
import type { PlantedSource } from '../schema.ts';
import { makeStage, noWork, type Stage } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';
import { sizeOf, type ListsReport } from './lists.ts';

/** The lists of another source with known positives among their negatives. */
export async function plantedListsStage(name: string, source: PlantedSource, of: Stage): Promise<Stage> {
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}`,
    inputs: { planted: omit(source, 'of'), lists: of.key },
    needs: [of],
    work: noWork,
    run: async (workshop) => {
      const lists = plantPositives(await workshop.listsOf(of), source);
      if (lists.length === 0) {
        throw new InputError(`sources.${name}: no list of ${source.of} has two positives`, {
          remedy: 'Take a corpus with several judged answers to a query, or a lower level',
        });
      }
      const { recorded } = (await workshop.resultOf(of)).value as unknown as ListsReport;
      const value: ListsReport = { ...sizeOf(lists), mined: null, guard: {}, recorded };
      return { value, blobs: [encodeLists(lists)] };
    },
  });
}
