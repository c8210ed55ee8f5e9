import * as v from 'valibot';
import { isPositive } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';
import { InputError } from '../../host/errors.ts';
import { jsonOf } from '../../host/json.ts';
import { RandomStream } from '../../host/random.ts';
import { checkFile } from '../faults.ts';
import { derivedLists } from '../lists-report.ts';
import { omit } from '../omit.ts';
import { count, described, label, level, name, scorers, seed, text } from '../schema/parts.ts';
import { defineSource, sourceStage, type ExpectedLists } from '../source.ts';
import { sampleOf } from '../written-about.ts';

const schema = v.strictObject({
  kind: v.literal('selected'),
  of: described(name, 'The source whose lists are taken.'),
  queriesOf: described(v.optional(name), 'Only lists whose query has one in this source, too.'),
  types: described(
    v.optional(v.pipe(v.array(text), v.minLength(1))),
    'Only lists whose query is of one of these types (questions, claims, …).',
  ),
  prompts: described(
    v.optional(v.pipe(v.array(text), v.minLength(1))),
    'Only what these prompts wrote, by id or ID@VERSION, and passages that no prompt wrote.',
  ),
  sample: described(v.optional(count), 'So many lists, drawn at random, at most.'),
  negatives: described(
    v.optional(count),
    'So many passages beside the positives of a list, at most; default: all. A list without any is left out.',
  ),
  pick: described(
    v.optional(v.picklist(['random', 'top', 'best']), 'random'),
    'Which: some by chance, the first of the list, or those with the highest scores.',
  ),
  by: described(
    v.optional(v.variant('from', scorers)),
    'Whose scores "best" reads: those that the lists carry (the default), a file, or a model that rescores them.',
  ),
  level: described(v.optional(level, 1), 'The lowest label of a positive.'),
  labels: described(
    v.optional(v.strictObject({ positives: v.optional(label), negatives: v.optional(label) })),
    'New labels of the positives and of the other passages.',
  ),
  seed: v.optional(seed, 0),
});

/** What is taken of lists. */
export type Selection = Omit<v.InferOutput<typeof schema>, 'kind' | 'of' | 'by' | 'queriesOf'>;

/** Some of the lists of another source, with some of their passages. */
export const selected = defineSource({
  schema,
  parts: ({ of, queriesOf }) => [
    { name: of, path: ['of'] },
    ...(queriesOf === undefined ? [] : [{ name: queriesOf, path: ['queriesOf'] }]),
  ],
  check: ({ by, pick, negatives }, _recipe, path, faults) => {
    if (by?.from === 'file') checkFile(by, [...path, 'by'], faults);
    if (by !== undefined && pick !== 'best') faults.add([...path, 'by'], 'applies only to "pick": "best"');
    if (pick === 'best' && negatives === undefined) {
      faults.add([...path, 'pick'], '"best" requires "negatives", the number to pick');
    }
  },
  prepare: async (name, source, context) => {
    const { by, of } = source;
    const taken = await context.source(of);
    const scored =
      by === undefined || by.from === 'stored' ? taken.lists : await context.scored(of, taken, by);
    const queriesOf =
      source.queriesOf === undefined ? undefined : (await context.source(source.queriesOf)).lists;
    const lists = await sourceStage(name, {
      inputs: {
        selected: jsonOf(omit(source, 'of', 'queriesOf', 'by')),
        lists: scored.key,
        queriesOf: queriesOf?.key ?? null,
      },
      needs: [taken.lists, scored, ...(queriesOf === undefined ? [] : [queriesOf])],
      run: async (workshop) => {
        const queries =
          queriesOf === undefined
            ? undefined
            : new Set((await workshop.listsOf(queriesOf)).map(({ query_id }) => query_id));
        const found = selectLists(await workshop.listsOf(scored), source, queries);
        if (found.length === 0) {
          throw new InputError(`sources.${name}: no list of ${of} is left`, {
            remedy: 'Use a wider selection of types, prompts or queries',
          });
        }
        return derivedLists(found, (await workshop.resultOf(taken.lists)).value.recorded);
      },
    });
    return { lists, expected: expectedSelection(source, taken.expected) };
  },
});

/** At most what the source has, where nobody can tell which queries and prompts there will be. */
function expectedSelection(
  { sample, negatives }: Pick<Selection, 'sample' | 'negatives'>,
  of: ExpectedLists,
): ExpectedLists {
  const lists = Math.min(of.lists, sample ?? Infinity);
  const share = lists / Math.max(1, of.lists);
  const positives = Math.round(share * of.positives);
  const passages = Math.round(share * of.passages);
  if (negatives === undefined) return { ...of, lists, positives, passages };
  return { ...of, lists, positives, passages: Math.min(passages, positives + lists * negatives) };
}

/**
 * @param queries the ids of the queries that are kept; all if undefined
 * @throws InputError where the best passages are asked for and one has no score
 */
export function selectLists(
  lists: readonly ListRecord[],
  source: Selection,
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
  }: Pick<Selection, 'negatives' | 'pick' | 'level' | 'labels' | 'seed'>,
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
  pick: Selection['pick'],
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
        throw new InputError(`query ${query_id}, passage ${id}: there is no score for "pick": "best"`, {
          remedy: 'Set "by" to a model, or to a file that scores every candidate',
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
