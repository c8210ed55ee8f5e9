import { InputError } from '../../host/errors.ts';
import { applyRules } from '../../mining/filter.ts';
import { filterQuality } from '../../mining/planted.ts';
import { parseRules } from '../../mining/rule-spec.ts';
import { scaleTeacherScores } from '../../mining/scaling.ts';
import { keepPassages } from '../../mining/verdicts.ts';
import type { FilteredReport } from '../lists-report.ts';
import { withEvidence, type Evidence } from '../recipe-evidence.ts';
import type { TeacherSettings } from '../schema/teacher.ts';
import { makeListsStage, noWork, type ListsStage } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';

/**
 * Lists with scaled teacher scores, without what the rules drop.
 * @param evidence what the rules read beside the teacher
 */
export async function filteredStage(
  name: string,
  lists: ListsStage,
  scale: TeacherSettings['scale'],
  rules: readonly string[],
  evidence: readonly Evidence[],
): Promise<ListsStage<FilteredReport>> {
  return makeListsStage({
    kind: 'filtered',
    version: 1,
    label: name,
    inputs: {
      lists: lists.key,
      scale,
      rules,
      ...(evidence.length > 0 && { evidence: evidence.map(({ reads, hash }) => [reads, hash]) }),
    },
    needs: [lists],
    work: noWork,
    finding: (report) => ({ kind: 'filtered', report }),
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
      return { value, blobs: [encodeLists(kept)] };
    },
  });
}
