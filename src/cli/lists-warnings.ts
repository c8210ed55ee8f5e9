import type { FragmentJob } from '../pipeline/fragment.ts';
import type { PreparedLists } from '../pipeline/prepared-lists.ts';
import type { CliIo } from './io.ts';

/**
 * Warns of what was left out of lists, and of what files say nothing of.
 * @param isHeldOut whether lists of dev queries were taken from them on purpose
 */
export async function warnAboutLists(
  { source, filtered, fromFiles }: Pick<PreparedLists, 'source' | 'filtered' | 'fromFiles'>,
  job: FragmentJob,
  io: CliIo,
  { isHeldOut = false }: { readonly isHeldOut?: boolean } = {},
): Promise<void> {
  const { guard, mined } = (await job.resultOf(source)).value;
  for (const [count = 0, what] of [
    [guard.testQueries, 'lists whose query is a test query, by id or by text: left out'],
    [isHeldOut ? 0 : guard.devQueries, 'lists whose query is a dev query, by id or by text: left out'],
    [guard.contradictions, 'negatives with the text or the id of a positive of their list: left out'],
    [guard.emptyLists, 'lists without passages: left out'],
    [mined?.skippedQueries, 'queries without a positive in the corpus: they make no list'],
    [mined?.shortLists, 'lists with fewer negatives than --negatives: use wider --ranks'],
  ] as const) {
    if (count > 0) io.warn(`${count} ${what}`);
  }
  for (const { file, stage } of fromFiles) {
    const missing = (await job.resultOf(stage)).value?.missing ?? 0;
    if (missing > 0) io.warn(`${file} has no score of ${missing} passages`);
  }
  const report = filtered && (await job.resultOf(filtered)).value;
  for (const { file, count, of } of report?.missing ?? []) io.warn(`${file} says nothing of ${count} ${of}`);
}
