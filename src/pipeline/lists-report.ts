import type { ListRecord } from '../corpus/types.ts';
import type { FilterReport } from '../lists/filter.ts';
import type { FilterQuality } from '../lists/planted.ts';
import type { KeepReport } from '../lists/verdicts.ts';
import type { ListsGuard, QueriesOfStages } from './lists-guard.ts';
import type { StageOutput } from './stage-store.ts';
import { listsBlob } from './stored-forms.ts';
import type { WrittenReport } from './written-report.ts';

/** What became of a source, kept with its lists. */
export type ListsReport = Readonly<{
  lists: number;
  passages: number;
  /** Of mining. */
  mined: Readonly<Record<string, number>> | null;
  guard: Readonly<Record<string, number>>;
  /** Whether a generator wrote it, or some of it, earlier. */
  recorded: boolean;
  /** Of what a model wrote for this source. */
  written?: WrittenReport;
}>;

/** A type alias, so that it is assignable to Json. */
export type MissingEvidence = Readonly<{ file: string; count: number; of: 'passages' | 'lists' }>;

/** What a stack of rules did, as it is stored. */
export type FilteredReport = Readonly<{
  filter: FilterReport | null;
  kept: KeepReport;
  /** What all rules together did with planted positives, where there are any. */
  planted?: FilterQuality;
  /** How many passages or lists a file of labels or answers says nothing of, where there are any. */
  missing?: readonly MissingEvidence[];
}>;

/** What a stage of lists has found that is worth telling before the report is there. */
export type ListsFinding =
  | { readonly kind: 'written'; readonly report: WrittenReport; readonly recorded: boolean }
  | { readonly kind: 'filtered'; readonly report: FilteredReport };

/** Lists that come from outside, without test and dev queries, with what is said of them. */
export function guardedLists(
  heldOut: ListsGuard,
  written: QueriesOfStages,
  all: readonly ListRecord[],
  recorded: boolean,
  more: Partial<Pick<ListsReport, 'mined' | 'written'>> = {},
): StageOutput<ListsReport> {
  const { lists, report } = heldOut.guard(all, written);
  return {
    value: { ...sizeOf(lists), mined: null, guard: report, recorded, ...more },
    blobs: [listsBlob(lists)],
  };
}

/** Lists that are made of other stages' lists, which were guarded. */
export function derivedLists(lists: readonly ListRecord[], recorded: boolean): StageOutput<ListsReport> {
  return { value: { ...sizeOf(lists), mined: null, guard: {}, recorded }, blobs: [listsBlob(lists)] };
}

export function sizeOf(lists: readonly ListRecord[]): { readonly lists: number; readonly passages: number } {
  return { lists: lists.length, passages: lists.reduce((sum, { documents }) => sum + documents.length, 0) };
}
