import { InputError } from '../core/errors.ts';
import type { ListRecord } from '../corpus/types.ts';
import type { FinishedTask, GenerationTask } from './generation-run.ts';
import type { Prompt } from './prompt.ts';
import {
  gradedToLists,
  labelsToLists,
  listTasks,
  negativesToLists,
  pairTasks,
  passageTasks,
  queriesToLists,
  queryTasks,
  type Passage,
} from './training-data.ts';

/** What prompts are asked about. */
export type Subject = { readonly passages: readonly Passage[] } | { readonly lists: readonly ListRecord[] };

/** What came of one prompt. */
export interface Written {
  readonly prompt: Prompt;
  readonly finished: readonly FinishedTask[];
}

/** Whether a prompt writes about passages alone, and not about queries with their passages. */
export function asksAboutPassages({ writes }: Pick<Prompt, 'writes'>): boolean {
  return writes === 'queries';
}

/** The tasks of a prompt. @throws InputError where the prompt is about something else */
export function tasksFor(prompt: Prompt, subject: Subject): GenerationTask[] {
  if (asksAboutPassages(prompt) !== 'passages' in subject) {
    throw new InputError(
      `${prompt.id} asks about ${asksAboutPassages(prompt) ? 'passages, not lists' : 'lists, not passages'}`,
      { remedy: 'Use what it asks about, or another prompt' },
    );
  }
  if ('passages' in subject) return passageTasks(subject.passages);
  const { lists } = subject;
  if (prompt.writes === 'labels') return pairTasks(lists);
  return prompt.slots.some(({ name }) => name === 'positive')
    ? listTasks(lists)
    : queryTasks(lists.map(({ query_id, query }) => ({ id: query_id, text: query })));
}

/**
 * The training lists that all prompts of a subject come to. Written negatives and labels go into the lists that were
 * asked about; written queries and graded passages make lists of their own, one for each query.
 */
export function listsFrom(subject: Subject, written: readonly Written[]): readonly ListRecord[] {
  const own: ListRecord[] = [];
  let lists = 'lists' in subject ? subject.lists : [];
  let makesOwn = 'passages' in subject;
  for (const { prompt, finished } of written) {
    switch (prompt.writes) {
      case 'queries':
        own.push(...queriesToLists(finished, prompt));
        break;
      case 'graded':
        own.push(...gradedToLists(finished, prompt));
        makesOwn = true;
        break;
      case 'negatives':
        lists = negativesToLists(lists, finished, prompt);
        break;
      case 'labels':
        lists = labelsToLists(lists, finished);
    }
  }
  return makesOwn ? joined(own) : lists;
}

/** Lists of the same query, which several prompts wrote or wrote for, as one. */
function joined(lists: readonly ListRecord[]): ListRecord[] {
  const byQuery = new Map<string, ListRecord>();
  for (const list of lists) {
    const known = byQuery.get(list.query_id);
    const ids = new Set(known?.documents.map(({ id }) => id));
    const added = list.documents.filter(({ id }) => !ids.has(id));
    byQuery.set(
      list.query_id,
      known === undefined ? list : { ...known, documents: [...known.documents, ...added] },
    );
  }
  return [...byQuery.values()];
}
