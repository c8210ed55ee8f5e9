import type { ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../core/errors.ts';
import { filterRows } from '../../lists/filter-table.ts';
import { applyRules, type FilterReport } from '../../lists/filter.ts';
import { filterQuality, filterRates } from '../../lists/planted.ts';
import { parseRules } from '../../lists/rule-spec.ts';
import { scaleTeacherScores, withRawScores } from '../../lists/scaling.ts';
import type { scoreGroupNames } from '../../lists/score-groups.ts';
import { keepPassages } from '../../lists/verdicts.ts';
import type { FilteredReport } from '../lists-report.ts';
import { withEvidence, type Evidence } from '../recipe-evidence.ts';
import type { TeacherSettings } from '../schema/teacher.ts';
import { defineListsStage, type ListsStage } from '../stage.ts';
import type { StageTable } from '../stage-table.ts';
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

const filteredLists = defineListsStage<FilteredReport>({
  kind: 'filtered',
  version: 1,
  finding: (report) => ({ kind: 'filtered', report }),
  tables: filterTables,
  exclusions: ({ kept }, label) =>
    kept.droppedLists === 0 ? [] : [`${label}: lists with no passages left: ${kept.droppedLists}`],
});

/** Lists with scaled teacher scores, without what the rules drop. */
export async function filteredStage(
  name: string,
  lists: ListsStage,
  { scale, rules, evidence, group = 'file', examples = 2, mark = false }: FilteredParts,
): Promise<ListsStage<FilteredReport>> {
  return filteredLists({
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

function filterTables({ filter, planted }: FilteredReport): readonly StageTable[] {
  const rules = filterRows(filter);
  if (rules.length === 0) return [];
  const applied: StageTable = { title: 'Filter rules', rows: rules, words: 2, of: 'lists' };
  if (planted === undefined) return [applied];
  const { recall, precision, lost } = filterRates(planted);
  const row = [
    (filter?.rules ?? []).map(({ rule }) => rule).join(', '),
    `${planted.found} of ${planted.answers}`,
    ...[recall, precision, lost].map((share) => (Number.isNaN(share) ? '–' : share.toFixed(3))),
  ];
  const header = ['rules', 'planted dropped', 'recall', 'precision', 'true negatives lost'];
  return [
    applied,
    {
      title: 'Planted positives found by the rules',
      note: plantedNote,
      rows: [header, row],
      words: 1,
      of: 'lists',
    },
  ];
}

const plantedNote =
  'Planted: judged positives that were placed among the negatives. Recall: the fraction of them that the rules drop. ' +
  'Precision: the fraction of dropped passages that were planted; other relevant passages are unjudged, so this is a ' +
  'lower bound. A rule about lists also drops true negatives.';

function withScale(lists: readonly ListRecord[], scale: TeacherSettings['scale']): readonly ListRecord[] {
  if (scale === null) return lists;
  return scale === 'none' ? withRawScores(lists) : scaleTeacherScores(lists, scale);
}

function nothingLeft(name: string, report: FilterReport | undefined): InputError {
  const [most] = [...(report?.rules ?? [])].sort((a, b) => b.counts.dropped - a.counts.dropped);
  const blame = most === undefined ? '' : `; "${most.rule}" dropped ${most.counts.dropped} ${most.judges}`;
  return new InputError(`${name}: no list is left${blame}`, { remedy: 'Use less strict rules' });
}
