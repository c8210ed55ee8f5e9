import * as v from 'valibot';
import { isPositive } from '../../corpus/text-key.ts';
import type { ListRecord } from '../../corpus/types.ts';
import { checkFile } from '../faults.ts';
import { guardedLists } from '../lists-report.ts';
import { hashInParts } from '../recipe-corpus.ts';
import { fileEntries } from '../schema/parts.ts';
import {
  defineSource,
  sourceStage,
  type ExpectedLists,
  type PreparedSource,
  type SourceContext,
} from '../source.ts';
import { recordedReport } from '../written-report.ts';

/** The lists of a file. */
export const lists = defineSource({
  schema: v.strictObject({ kind: v.literal('lists'), ...fileEntries }),
  parts: () => [],
  check: (source, _recipe, path, faults) => checkFile(source, path, faults),
  file: (source) => source,
  prepare: (name, _source, context) => fileLists(name, context, false),
});

/**
 * The lists of the source's file, without test and dev queries.
 * @param recorded whether a generator wrote them earlier
 */
export async function fileLists(
  name: string,
  context: SourceContext,
  recorded: boolean,
): Promise<PreparedSource> {
  const { heldOut, file } = context;
  const given = file?.lists ?? [];
  const stage = await sourceStage(name, {
    inputs: { lists: await hashInParts(given), recorded, heldOut: heldOut.hash },
    needs: heldOut.needs,
    run: async (workshop) =>
      guardedLists(
        heldOut,
        await heldOut.written(workshop),
        given,
        recorded,
        recorded ? { written: recordedReport(given) } : {},
      ),
  });
  return { lists: stage, expected: expectedOf(given, context) };
}

function expectedOf(given: readonly ListRecord[], context: SourceContext): ExpectedLists {
  const documents = given.flatMap((list) => list.documents);
  return {
    lists: given.length,
    positives: documents.filter((document) => isPositive(document)).length,
    passages: documents.length,
    ...context.tokensOf({
      passages: documents.map(({ text }) => text),
      queries: given.map(({ query }) => query),
    }),
  };
}
