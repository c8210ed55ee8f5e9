import type { ListDocument, ListRecord, Source } from '../../corpus/types.ts';
import type { Verdict } from '../verdicts.ts';

/** What earlier rules left of a list; at least one passage. */
export interface RemainingList {
  readonly record: ListRecord;
  /** Whose scores are measured with its own. */
  readonly group: string;
  readonly documents: readonly ListDocument[];
  /** Those of the documents with a label above 0. */
  readonly positives: readonly ListDocument[];
  /** All others: what rules about passages judge. */
  readonly others: readonly ListDocument[];
}

/** What a rule may read beyond texts and labels, and lists need not have. */
export type RuleInput = 'teacher' | 'guide' | 'model_label' | 'hand_label' | 'answers';

interface CommonDefinition {
  /** As it is written in front of the bound. */
  readonly name: string;
  /** Which side of the threshold stays. */
  readonly bound: '<=' | '>=';
  /** What stays, for people; `T` stands for the threshold. */
  readonly keeps: string;
  /** Who uses it with which threshold. */
  readonly origin?: string;
  readonly reads?: RuleInput;
  readonly threshold: { readonly min: number; readonly max: number; readonly isWhole?: boolean };
}

/** Judges `list.others[at]`; called for some or all of them, in ascending order. */
export type PassageJudge = (at: number) => Verdict;

/** Judges the passages that are not positives, one by one. It can be narrowed to those of one source. */
export interface PassageRuleDefinition extends CommonDefinition {
  readonly judges: 'passages';
  /** Prepares to judge lists: once for all of them, then for each. */
  prepare(threshold: number): (list: RemainingList) => PassageJudge;
}

/** Judges whole lists: all that is left of one stays or goes. */
export interface ListRuleDefinition extends CommonDefinition {
  readonly judges: 'lists';
  /** Whether it can be asked about one source. */
  readonly takesSource: boolean;
  /**
   * Prepares to judge lists.
   * @param lists all that earlier rules left
   * @throws InputError if the lists lack what the rule reads
   */
  prepare(
    lists: readonly RemainingList[],
    threshold: number,
    source: Source | undefined,
  ): (list: RemainingList) => Verdict;
}

/** A kind of rule. One file each; the list of them is in index.ts. */
export type RuleDefinition = PassageRuleDefinition | ListRuleDefinition;

/** A rule with its threshold, ready to apply. */
export interface FilterRule {
  readonly definition: RuleDefinition;
  readonly threshold: number;
  /** The only source that it judges. */
  readonly source?: Source;
}
