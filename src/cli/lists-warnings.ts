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
    [guard.testQueries, 'lists were dropped because their query is a test query, by id or by text'],
    [
      isHeldOut ? 0 : guard.devQueries,
      'lists were dropped because their query is a dev query, by id or by text',
    ],
    [
      guard.contradictions,
      'negatives were dropped because they have the text or id of a positive of their list',
    ],
    [guard.emptyLists, 'lists without passages were dropped'],
    [mined?.skippedQueries, 'queries were skipped because they have no positive in the corpus'],
    [mined?.shortLists, 'lists have fewer negatives than --negatives asks for; use wider --ranks'],
  ] as const) {
    if (count > 0) io.warn(`${count} ${what}`);
  }
  for (const { file, stage } of fromFiles) {
    const missing = (await job.resultOf(stage)).value?.missing ?? 0;
    if (missing > 0) io.warn(`${file} has no score for ${missing} passages`);
  }
  const report = filtered && (await job.resultOf(filtered)).value;
  for (const { file, count, of } of report?.missing ?? []) io.warn(`${file} has no entry for ${count} ${of}`);
}
