import type { Judgments } from '../corpus/types.ts';
import { readJudgments } from '../corpus/judgments.ts';
import { InputError } from '../core/errors.ts';
import type { ParsedRun, Run } from '../metrics/run.ts';
import { readRun } from '../metrics/run.ts';
import { openFile } from './input-files.ts';
import type { CliIo } from './io.ts';

/** @throws InputError naming the file and the line; also for a file without judgments. */
export async function openJudgments(path: string): Promise<Judgments> {
  const judgments = await readJudgments(await openFile(path));
  if (judgments.size > 0) return judgments;
  throw new InputError('contains no judgments', {
    file: path,
    remedy: 'Use TREC qrels ("query 0 document grade") or a BEIR split (query, document, grade)',
  });
}

/** @throws InputError naming the file and the line; also for a file without results. */
export async function openRun(path: string): Promise<ParsedRun> {
  const parsed = await readRun(await openFile(path));
  if (parsed.run.size > 0) return parsed;
  throw new InputError('contains no results', {
    file: path,
    remedy: 'Use a TREC run ("query Q0 document rank score tag")',
  });
}

/** @throws InputError where not one query of the run is judged: the ids are of different collections. */
export function requireCommonQueries(
  judgments: Judgments,
  run: Run,
  files: { readonly qrels: string; readonly run: string },
): void {
  if ([...run.keys()].some((query) => judgments.has(query))) return;
  const [inRun = ''] = run.keys();
  const [inJudgments = ''] = judgments.keys();
  throw new InputError(`none of its ${run.size} queries is judged in ${files.qrels}`, {
    file: files.run,
    remedy: `Use judgments of the same collection: the run's first query is "${inRun}", the judgments' is "${inJudgments}"`,
  });
}

/** Warns about judged queries that no run can score on. */
export function warnAboutJudgments(
  judgments: Judgments,
  { level }: { readonly level: number },
  io: CliIo,
): void {
  const without = [...judgments.values()].filter(
    (grades) => ![...grades.values()].some((grade) => grade >= level),
  );
  if (without.length === 0) return;
  io.warn(`${without.length} judged queries have no document of grade ${level} or more and score 0`);
}
