import type { ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../core/errors.ts';
import { applyRules, type FilterReport } from '../../lists/filter.ts';
import { filterQuality } from '../../lists/planted.ts';
import { parseRules } from '../../lists/rule-spec.ts';
import { scaleTeacherScores, withRawScores } from '../../lists/scaling.ts';
import type { scoreGroupNames } from '../../lists/score-groups.ts';
import { keepPassages } from '../../lists/verdicts.ts';
import type { FilteredReport } from '../lists-report.ts';
import { withEvidence, type Evidence } from '../recipe-evidence.ts';
import type { TeacherSettings } from '../schema/teacher.ts';
import { makeListsStage, noWork, type ListsStage } from '../stage.ts';
import { listsBlob } from '../stored-forms.ts';

/** How rules are applied, where it is not as in every recipe. */
export interface FilterSettings {
  /** Whose scores the rule `percentile` takes together; all of the lists by default. */
  readonly group?: (typeof scoreGroupNames)[number];
  /** Of what each rule kept and of what it dropped; 2 of each by default. */
  readonly examples?: number;
  /** Whether every passage stays, with its verdicts. */
  readonly mark?: boolean;
}

interface FilteredParts extends FilterSettings {
  readonly scale: TeacherSettings['scale'];
  readonly rules: readonly string[];
  /** What the rules read beside the teacher. */
  readonly evidence: readonly Evidence[];
}

/** Lists with scaled teacher scores, without what the rules drop. */
export async function filteredStage(
  name: string,
  lists: ListsStage,
  { scale, rules, evidence, group = 'file', examples = 2, mark = false }: FilteredParts,
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
      ...(group !== 'file' && { group }),
      ...(examples !== 2 && { examples }),
      ...(mark && { mark }),
    },
    needs: [lists],
    work: noWork,
    finding: (report) => ({ kind: 'filtered', report }),
    run: async (workshop) => {
      const known = withEvidence(await workshop.listsOf(lists), evidence);
      const scaled = withScale(known.lists, scale);
      const judged =
        rules.length === 0 ? undefined : applyRules(scaled, parseRules(rules), { group, examples });
      const { lists: kept, report } = keepPassages(judged?.lists ?? scaled);
      if (kept.length === 0 && !mark) throw nothingLeft(name, judged?.report);
      const quality = filterQuality(judged?.lists ?? []);
      const value: FilteredReport = {
        filter: judged?.report ?? null,
        kept: report,
        ...(quality.answers > 0 && { planted: quality }),
        ...(known.missing.length > 0 && { missing: known.missing }),
      };
      return { value, blobs: [listsBlob(mark ? (judged?.lists ?? scaled) : kept)] };
    },
  });
}

function withScale(lists: readonly ListRecord[], scale: TeacherSettings['scale']): readonly ListRecord[] {
  if (scale === null) return lists;
  return scale === 'none' ? withRawScores(lists) : scaleTeacherScores(lists, scale);
}

function nothingLeft(name: string, report: FilterReport | undefined): InputError {
  const [most] = [...(report?.rules ?? [])].sort((a, b) => b.counts.dropped - a.counts.dropped);
  const blame = most === undefined ? '' : `; "${most.rule}" dropped ${most.counts.dropped} ${most.judges}`;
  return new InputError(`${name}: no list is left${blame}`, { remedy: 'Use less strict rules' });
}
