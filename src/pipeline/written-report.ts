import type { ListRecord } from '../corpus/types.ts';
import type { GenerationResult } from '../generation/generation-run.ts';
import { promptName, type Prompt } from '../generation/prompt.ts';

/** What a model wrote for a source; kept with its lists. A type alias, so that it is assignable to Json. */
export type WrittenReport = Readonly<{
  model: string;
  prompts: readonly Readonly<{
    /** With its version. */
    prompt: string;
    requests: number;
    /** None of whose replies fitted. */
    unanswered: number;
    rejectedReplies: number;
    items: number;
    /** Left out of replies that fitted. */
    droppedItems: number;
    /** Of this run; null where it asked nothing, or the model does not count. */
    tokensPerSecond: number | null;
    samples: readonly Readonly<{ task: string; texts: readonly string[] }>[];
  }>[];
}>;

const shownSamples = 3;

/** What came of one prompt. */
export function promptReport(
  prompt: Prompt,
  { finished, open, progress }: GenerationResult,
): WrittenReport['prompts'][number] {
  return {
    prompt: promptName(prompt),
    requests: progress.tasks,
    unanswered: open.length,
    rejectedReplies: progress.rejected,
    items: progress.items,
    droppedItems: progress.droppedItems,
    tokensPerSecond: progress.tokensPerSecond ?? null,
    samples: finished
      .slice(0, shownSamples)
      .map(({ task, items }) => ({ task: task.id, texts: items.map(({ text }) => text) })),
  };
}

/** What ready lists say of the model that wrote them earlier: who it was, and some of it. */
export function recordedReport(lists: readonly ListRecord[]): WrittenReport {
  const isWritten = ({ source }: ListRecord['documents'][number]): boolean => source.startsWith('llm:');
  const written = lists.flatMap(({ documents }) => documents.filter(isWritten));
  const models = new Set(written.map(({ source }) => source.slice('llm:'.length)));
  const prompts = new Set(written.map(({ prompt }) => prompt ?? 'prompt not recorded'));
  return {
    model: [...models].join(', ') || 'not recorded',
    prompts: [...prompts].map((name) => {
      const own = lists.flatMap(({ query, query_type, documents }) => {
        const texts = documents.filter(
          (document) => isWritten(document) && (document.prompt ?? 'prompt not recorded') === name,
        );
        // Of a query that was written, it is not the passage that is of interest.
        const shown = query_type === undefined ? texts.map(({ text }) => text) : [query];
        return texts.length === 0 ? [] : [{ task: query_type ?? query, texts: shown }];
      });
      return {
        prompt: name,
        requests: own.length,
        unanswered: 0,
        rejectedReplies: 0,
        items: own.reduce((sum, { texts }) => sum + texts.length, 0),
        droppedItems: 0,
        tokensPerSecond: null,
        samples: own.slice(0, shownSamples),
      };
    }),
  };
}
