/** What lists go through between their source and a training: scores, evidence, scaling, rules. */
import { own } from '../core/own.ts';
import { parseRules } from '../lists/rule-spec.ts';
import type { FilteredReport, ListsReport } from './lists-report.ts';
import type { Evidence } from './recipe-evidence.ts';
import type { Recipe } from './schema.ts';
import type { AskedScorer } from './schema/parts.ts';
import type { ExpectedLists } from './source.ts';
import type { SourceShelf } from './source-shelf.ts';
import type { ListsStage } from './stage.ts';
import type { ScoresReport } from './stages/scores.ts';
import { filteredStage, type FilterSettings } from './stages/filtered.ts';

export interface PreparedLists {
  readonly lists: ListsStage;
  /** As the source made them. */
  readonly source: ListsStage<ListsReport>;
  /** What rules or a scale did with them, where there are any. */
  readonly filtered: ListsStage<FilteredReport> | undefined;
  /** The scores of files, of which some passages may have none. */
  readonly fromFiles: readonly { readonly file: string; readonly stage: ListsStage<ScoresReport> }[];
  /** The stages that the lists went through, the source's first. */
  readonly history: readonly ListsStage[];
  readonly expected: ExpectedLists;
}

export interface PreparationParts extends Pick<Recipe, 'teacher' | 'filters'> {
  readonly guide: Recipe['evidence']['guide'];
  readonly evidence: readonly Evidence[];
}

/** What is done to lists beside what their rules ask for. */
export interface PreparationOptions {
  /** Whether the teacher's scores are read by more than rules. */
  readonly teacher?: boolean;
  /** Whether also what no rule reads is put into the lists: the teacher's and the guide's scores, labels, answers. */
  readonly everything?: boolean;
  readonly filter?: FilterSettings;
}

/** The lists of a source with the scores that are asked for, without what the rules drop. @param filters a stack's name */
export async function prepareLists(
  sources: SourceShelf,
  { teacher, guide, evidence, filters: stacks }: PreparationParts,
  name: string,
  filters: string | undefined,
  options: PreparationOptions = {},
): Promise<PreparedLists> {
  const { everything = false } = options;
  const source = await sources.source(name);
  const rules = own(stacks, filters) ?? [];
  const reads = new Set(
    rules.length === 0 ? [] : parseRules(rules).map(({ definition }) => definition.reads),
  );
  const asksTeacher = everything || options.teacher === true || reads.has('teacher');
  const history: ListsStage[] = [source.lists];
  let lists: ListsStage = source.lists;
  const then = (stage: ListsStage): void => {
    history.push(stage);
    lists = stage;
  };
  const fromFiles: { file: string; stage: ListsStage<ScoresReport> }[] = [];
  const score = async (by: AskedScorer, role: 'teacher' | 'guide'): Promise<void> => {
    const stage = await sources.scored(name, { ...source, lists }, by, role);
    if (by.from === 'file') fromFiles.push({ file: by.file ?? by.corpusFile ?? '', stage });
    then(stage);
  };
  if (asksTeacher && teacher.from !== 'stored') await score(teacher, 'teacher');
  if (guide !== undefined && (everything || reads.has('guide'))) await score(guide, 'guide');
  const scale = asksTeacher ? teacher.scale : null;
  const read = evidence.filter((file) => everything || reads.has(file.reads));
  let filtered: ListsStage<FilteredReport> | undefined;
  if (scale !== null || rules.length > 0 || (everything && read.length > 0)) {
    const label = `lists of ${name}, ${filters ?? 'scaled'}`;
    filtered = await filteredStage(label, lists, { ...options.filter, scale, rules, evidence: read });
    then(filtered);
  }
  return { lists, source: source.lists, filtered, fromFiles, history, expected: source.expected };
}
