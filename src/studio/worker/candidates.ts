/** The candidates of a corpus's train queries, with scores and with what rules make of them. */
import type { ListRecord } from '../../corpus/types.ts';
import { FragmentJob } from '../../pipeline/fragment.ts';
import type { FilteredReport } from '../../pipeline/lists-report.ts';
import { RecipeStoppedError } from '../../pipeline/stage.ts';
import { candidatesFragment, names } from '../writing-fragment.ts';
import type {
  CandidateChoices,
  CandidateProgress,
  CandidatesOutcome,
  KeptListsOutcome,
} from '../writing-protocol.ts';
import { partsOfText, type KeptItems } from './kept-items.ts';
import type { WritingHost } from './writing.ts';

type Tell = (progress: CandidateProgress) => void;

interface Found {
  readonly lists: readonly ListRecord[];
  readonly report: FilteredReport | null;
}

/** @throws InputError naming what does not fit */
export async function findCandidates(
  choices: CandidateChoices,
  host: WritingHost,
  tell: Tell,
): Promise<CandidatesOutcome> {
  try {
    return { state: 'finished', ...(await find(choices, true, host, tell)) };
  } catch (error) {
    if (error instanceof RecipeStoppedError) return { state: 'canceled' };
    throw error;
  }
}

/** @throws InputError naming what does not fit */
export async function keepCandidates(
  choices: CandidateChoices,
  host: WritingHost,
  items: KeptItems,
  tell: Tell,
  signal: AbortSignal,
): Promise<KeptListsOutcome> {
  try {
    const { lists } = await find(choices, false, host, tell);
    const { name } = await items.openTree(choices.itemId);
    const lines = async function* (): AsyncGenerator<string> {
      for (const list of lists) yield await Promise.resolve(`${JSON.stringify(list)}\n`);
    };
    const item = await items.write(
      { kind: 'lists', name: `${name}, candidates.jsonl`, splits: [], listFiles: [] },
      [{ path: 'candidates.jsonl', parts: partsOfText(lines()) }],
      signal,
    );
    const passages = lists.reduce((sum, { documents }) => sum + documents.length, 0);
    return { state: 'finished', item, lists: lists.length, passages };
  } catch (error) {
    if (error instanceof RecipeStoppedError || signal.aborted) return { state: 'canceled' };
    throw error;
  }
}

/** @param mark whether what rules drop stays, with their verdicts */
async function find(choices: CandidateChoices, mark: boolean, host: WritingHost, tell: Tell): Promise<Found> {
  const job = await FragmentJob.open({
    ...host,
    fragment: candidatesFragment(choices),
    onEvent: (event) => {
      if (event.kind === 'progress') {
        const { stage, done, total } = event;
        tell({ label: stage.label, done, total });
      } else if (event.kind === 'stage' && event.state === 'started') {
        tell({ label: event.stage.label, done: 0, total: 0 });
      }
    },
  });
  const rules = choices.rules.length === 0 ? undefined : names.rules;
  const { lists, filtered } = await job.lists(names.candidates, rules, { filter: { mark, examples: 3 } });
  const report = filtered === undefined ? null : (await job.resultOf(filtered)).value;
  return { lists: await job.listsOf(lists), report };
}
