/**
 * What to ask for, from corpora, queries and training lists; and training lists from what was written. A task's id
 * names what it is about, and its slots are called `passage`, `query` and `positive`, as in the studio's prompts.
 */
import { isPositive, textId, textKey } from '../corpus/text-key.ts';
import type { ListDocument, ListRecord, Query } from '../corpus/types.ts';
import type { FinishedTask, GenerationTask } from './generation-run.ts';
import { promptName, type GeneratedItem, type Prompt } from './prompt.ts';

/** A passage as it is trained on, title and text joined or not. */
export interface Passage {
  readonly id: string;
  readonly text: string;
}

/** One task for each passage: its id and its text. */
export function passageTasks(passages: Iterable<Passage>): GenerationTask[] {
  return Array.from(passages, ({ id, text }) => ({ id, slots: { passage: text } }));
}

/** One task for each query. */
export function queryTasks(queries: Iterable<Query>): GenerationTask[] {
  return Array.from(queries, ({ id, text }) => ({ id, slots: { query: text } }));
}

/** One task for each list with a positive: its query and the first of its positives. */
export function listTasks(lists: Iterable<ListRecord>): GenerationTask[] {
  return Array.from(lists).flatMap(({ query_id, query, documents }) => {
    const positive = documents.find((document) => isPositive(document));
    return positive === undefined ? [] : [{ id: query_id, slots: { query, positive: positive.text } }];
  });
}

/** One task for each passage of each list, to be judged. */
export function pairTasks(lists: Iterable<ListRecord>): GenerationTask[] {
  return Array.from(lists).flatMap(({ query_id, query, documents }) =>
    documents.map(({ id, text }) => ({ id: pairId(query_id, id), slots: { query, passage: text } })),
  );
}

/** Ids hold no tabs. */
function pairId(query: string, document: string): string {
  return `${query}\t${document}`;
}

/** The source of what a model wrote. */
export function sourceOf(model: string): string {
  return `llm:${model}`;
}

/**
 * A list for each query that was written for a passage ({@link passageTasks}), with the passage as its positive. A
 * query that was written for several passages is one list with several positives.
 */
export function queriesToLists(finished: readonly FinishedTask[], prompt: Prompt): ListRecord[] {
  const lists = new Map<string, ListRecord>();
  for (const { task, items, entry } of finished) {
    const positive: ListDocument = {
      id: task.id,
      text: task.slots.passage ?? '',
      label: 1,
      source: sourceOf(entry.model),
      prompt: promptName(prompt),
    };
    for (const { text, type = prompt.type } of items) {
      const key = textKey(text);
      const known = lists.get(key);
      if (known === undefined) {
        lists.set(key, {
          query_id: textId('query', text),
          query: text,
          ...(type !== undefined && { query_type: type }),
          documents: [positive],
        });
      } else if (!known.documents.some(({ id }) => id === positive.id)) {
        lists.set(key, { ...known, documents: [...known.documents, positive] });
      }
    }
  }
  return [...lists.values()];
}

/**
 * The lists with the negatives that were written for their queries ({@link listTasks}, or {@link queryTasks} with the
 * ids of the lists), behind their other passages. What a list has already, by its text, is not added.
 */
export function negativesToLists(
  lists: readonly ListRecord[],
  finished: readonly FinishedTask[],
  prompt: Prompt,
): ListRecord[] {
  const byQuery = new Map(finished.map((one) => [one.task.id, one]));
  return lists.map((list) => {
    const written = byQuery.get(list.query_id);
    if (written === undefined) return list;
    const known = new Set(list.documents.map(({ text }) => textKey(text)));
    const added = new Map<string, ListDocument>();
    for (const item of written.items) {
      const key = textKey(item.text);
      if (!known.has(key) && !added.has(key)) added.set(key, documentOf(item, written, prompt, 0));
    }
    return { ...list, documents: [...list.documents, ...added.values()] };
  });
}

/** A list for each query ({@link queryTasks}), with the passages that were written for it and their grades. */
export function gradedToLists(finished: readonly FinishedTask[], prompt: Prompt): ListRecord[] {
  return finished.map((one) => ({
    query_id: one.task.id,
    query: one.task.slots.query ?? '',
    documents: one.items.map((item) => documentOf(item, one, prompt, item.label ?? 0)),
  }));
}

/** The lists with the labels that a model gave to their passages ({@link pairTasks}), as `model_label`. */
export function labelsToLists(lists: readonly ListRecord[], finished: readonly FinishedTask[]): ListRecord[] {
  const labels = new Map(finished.map(({ task, items }) => [task.id, items[0]?.label]));
  return lists.map((list) => ({
    ...list,
    documents: list.documents.map((document) => {
      const label = labels.get(pairId(list.query_id, document.id));
      return label === undefined ? document : { ...document, model_label: label };
    }),
  }));
}

function documentOf(
  { text }: GeneratedItem,
  { entry }: FinishedTask,
  prompt: Prompt,
  label: number,
): ListDocument {
  return {
    id: textId('text', text),
    text,
    label,
    source: sourceOf(entry.model),
    prompt: promptName(prompt),
  };
}
