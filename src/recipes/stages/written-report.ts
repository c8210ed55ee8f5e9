import type { GenerationResult } from '../../generation/generation-run.ts';
import { promptName, type Prompt } from '../../generation/prompt.ts';

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
