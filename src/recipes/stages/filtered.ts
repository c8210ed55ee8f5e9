import { InputError } from '../../host/errors.ts';
import type { Json } from '../../host/contract.ts';
import { applyRules, type FilterReport } from '../../mining/filter.ts';
import { filterQuality, type FilterQuality } from '../../mining/planted.ts';
import { parseRules } from '../../mining/rule-spec.ts';
import { scaleTeacherScores } from '../../mining/scaling.ts';
import { keepPassages, type KeepReport } from '../../mining/verdicts.ts';
import { withEvidence, type Evidence } from '../recipe-evidence.ts';
import type { RecipeTeacher } from '../schema.ts';
import { makeStage, noWork, type Stage } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';

/** What a stack of rules did, as it is stored. */
export type FilteredReport = Readonly<{
  filter: FilterReport | null;
  kept: KeepReport;
  /** What all rules together did with planted positives, where there are any. */
  planted?: FilterQuality;
}>;

/**
 * Lists with scaled teacher scores, without what the rules drop.
 * @param evidence what the rules read beside the teacher
 */
export async function filteredStage(
  name: string,
  lists: Stage,
  scale: RecipeTeacher['scale'],
  rules: readonly string[],
  evidence: readonly Evidence[],
): Promise<Stage> {
  return makeStage({
    kind: 'filtered',
    label: name,
    inputs: {
      lists: lists.key,
      scale,
      rules,
      ...(evidence.length > 0 && { evidence: evidence.map(({ reads, hash }) => [reads, hash]) }),
    },
    needs: [lists],
    work: noWork,
    run: async (workshop) => {
      const given = await workshop.listsOf(lists);
      const known = withEvidence(given, evidence);
      const scaled = scale === null ? known : scaleTeacherScores(known, scale);
      const judged = rules.length === 0 ? undefined : applyRules(scaled, parseRules(rules), { examples: 2 });
      const { lists: kept, report } = keepPassages(judged?.lists ?? scaled);
      if (kept.length === 0) {
        throw new InputError(`${name}: the rules ${rules.join(', ')} leave nothing to train on`, {
          remedy: 'Give rules that drop less',
        });
      }
      const quality = filterQuality(judged?.lists ?? []);
      const value: FilteredReport = {
        filter: judged?.report ?? null,
        kept: report,
        ...(quality.answers > 0 && { planted: quality }),
      };
      return { value: value as unknown as Json, blobs: [encodeLists(kept)] };
    },
  });
}
