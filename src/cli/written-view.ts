/** What a language model is asked, and what it wrote, for people. */
import type { FirstRequest } from '../pipeline/fragment.ts';
import type { ListsReport } from '../pipeline/lists-report.ts';
import { promptName } from '../generation/prompt.ts';
import type { CliIo } from './io.ts';

export function printPreview(requests: readonly FirstRequest[], io: CliIo): void {
  io.printJson({
    preview: requests.map(({ prompt, task, filled }) => ({
      prompt: promptName(prompt),
      task: task?.id ?? null,
      messages: filled?.messages ?? [],
      schema: filled?.schema ?? null,
    })),
  });
  for (const { prompt, task, filled } of requests) {
    io.print(`${promptName(prompt)}, about ${task?.id ?? 'nothing: there is nothing to ask about'}`);
    const parts = (filled?.messages ?? []).map(({ role, content }) => [
      `[${role}]`,
      ...content.split('\n'),
      '',
    ]);
    if (filled?.schema !== undefined) parts.push(['[schema]', JSON.stringify(filled.schema), '']);
    for (const line of parts.flat()) io.print(line);
  }
}

export function printWritten(
  { lists, recorded, written }: ListsReport,
  { out, store }: { readonly out: string; readonly store: string },
  io: CliIo,
): void {
  const { model, prompts } = written ?? { model: '', prompts: [] };
  io.printJson({ lists: out, count: lists, model, recorded, prompts, store });
  io.print(`${lists} lists by ${model}${recorded ? ', recorded earlier,' : ''} in ${out}`);
  for (const { prompt, items, requests, unanswered, rejectedReplies, droppedItems, samples } of prompts) {
    io.print(
      `${prompt}: ${items} texts from ${requests - unanswered} of ${requests} requests; ${rejectedReplies} replies ` +
        `did not fit, ${droppedItems} texts were left out`,
    );
    for (const { task, texts } of samples) {
      for (const text of texts.filter((each) => each !== '')) io.print(`  ${task}: ${text.slice(0, 100)}`);
    }
  }
}
