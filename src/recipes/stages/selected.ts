import { isPositive } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';
import type { Json } from '../../host/contract.ts';
import { InputError } from '../../host/errors.ts';
import { RandomStream } from '../../host/random.ts';
import { omit } from '../omit.ts';
import type { SelectedSource } from '../schema.ts';
import { makeStage, noWork, type Stage } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';
import { sampleOf } from '../written-about.ts';
import { sizeOf, type ListsReport } from './lists.ts';

/** The parts of a selection. */
export interface SelectedStages {
  /** The lists that are taken, scored where the best are picked by the scores of a file or a model. */
  readonly lists: Stage;
  /** What was done with them before they were scored: what their source reports. */
  readonly source: Stage;
  /** The lists whose queries are kept. */
  readonly queriesOf: Stage | undefined;
}

/** Some of the lists of another source, with some of their passages. */
export async function selectedListsStage(
  name: string,
  source: SelectedSource,
  stages: SelectedStages,
): Promise<Stage> {
  const { queriesOf } = stages;
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}`,
    inputs: {
      selected: omit(source, 'of', 'queriesOf', 'by') as unknown as Json,
      lists: stages.lists.key,
      queriesOf: queriesOf?.key ?? null,
    },
    needs: [stages.source, stages.lists, ...(queriesOf === undefined ? [] : [queriesOf])],
    work: noWork,
    run: async (workshop) => {
      const queries =
        queriesOf === undefined
          ? undefined
          : new Set((await workshop.listsOf(queriesOf)).map(({ query_id }) => query_id));
      const lists = selectLists(await workshop.listsOf(stages.lists), source, queries);
      if (lists.length === 0) {
        throw new InputError(`sources.${name}: nothing of ${source.of} is left`, {
          remedy: 'Look at its types, prompts and queries, and select less narrowly',
        });
      }
      const { recorded } = (await workshop.resultOf(stages.source)).value as unknown as ListsReport;
      const value: ListsReport = { ...sizeOf(lists), mined: null, guard: {}, recorded };
      return { value, blobs: [encodeLists(lists)] };
    },
  });
}

/**
 * @param queries the ids of the queries that are kept; all if undefined
 * @throws InputError where the best passages are asked for and one has no score
 */
export function selectLists(
  lists: readonly ListRecord[],
  source: Omit<SelectedSource, 'of' | 'by' | 'queriesOf'>,
  queries?: ReadonlySet<string>,
): readonly ListRecord[] {
  const { types, prompts, sample, seed } = source;
  const chosen = lists
    .filter(({ query_id }) => queries?.has(query_id) ?? true)
    .filter(({ query_type }) => types === undefined || types.includes(query_type ?? ''))
    .flatMap((list) => (prompts === undefined ? [list] : byPrompts(list, prompts)))
    .flatMap((list) => withSomeNegatives(list, source));
  return sampleOf(chosen, { sample, seed });
}

/** Without what other prompts wrote; nothing where these prompts wrote none of it. */
function byPrompts(list: ListRecord, prompts: readonly string[]): readonly ListRecord[] {
  const isOurs = ({ prompt = '' }: ListDocument): boolean =>
    prompts.some((each) => prompt === each || prompt.startsWith(`${each}@`));
  if (!list.documents.some(isOurs)) return [];
  const documents = list.documents.filter((each) => each.prompt === undefined || isOurs(each));
  return [{ ...list, documents }];
}

function withSomeNegatives(
  list: ListRecord,
  {
    negatives,
    pick,
    level,
    labels,
    seed,
  }: Pick<SelectedSource, 'negatives' | 'pick' | 'level' | 'labels' | 'seed'>,
): readonly ListRecord[] {
  const positives = list.documents.filter((each) => isPositive(each, level));
  const others = list.documents.filter((each) => !isPositive(each, level));
  const relabeled = (
    documents: readonly ListDocument[],
    label: number | undefined,
  ): readonly ListDocument[] =>
    label === undefined ? documents : documents.map((each) => ({ ...each, label }));
  if (negatives === undefined) {
    if (labels === undefined) return [list];
  } else if (positives.length === 0 || others.length === 0) return [];
  const kept = negatives === undefined ? others : pickSome(others, negatives, pick, list, seed);
  return [
    {
      ...list,
      documents: [...relabeled(positives, labels?.positives), ...relabeled(kept, labels?.negatives)],
    },
  ];
}

function pickSome(
  others: readonly ListDocument[],
  count: number,
  pick: SelectedSource['pick'],
  { query_id }: ListRecord,
  seed: number,
): readonly ListDocument[] {
  switch (pick) {
    case 'top':
      return others.slice(0, count);
    case 'random': {
      const places = new RandomStream(seed, 'selected', query_id).shuffle(Array.from(others.keys()));
      const chosen = new Set(places.slice(0, count));
      return others.filter((_, i) => chosen.has(i));
    }
    case 'best': {
      const scoreOf = ({ id, teacher, teacher_raw: raw = teacher }: ListDocument): number => {
        if (raw !== undefined) return raw;
        throw new InputError(`query ${query_id}, passage ${id}: there is no score to pick the best by`, {
          remedy: 'Give "by" a model, or a file that scores every candidate',
        });
      };
      return others
        .map((document, place) => ({ document, place, score: scoreOf(document) }))
        .sort((a, b) => b.score - a.score || a.place - b.place)
        .slice(0, count)
        .map(({ document }) => document);
    }
  }
}
