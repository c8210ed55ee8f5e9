import { textKey } from '../../corpus/text-key.ts';
import type { ListDocument, ListRecord } from '../../corpus/types.ts';
import type { Json } from '../../host/contract.ts';
import { fusedSource, type CandidateSource } from '../../mining/candidates.ts';
import { mineHardNegatives, type MiningReport } from '../../mining/hard-negatives.ts';
import { makeListwiseLists } from '../../mining/listwise-lists.ts';
import type { HeldOut } from '../held-out.ts';
import type { MinedQueries } from '../mined-queries.ts';
import { hashInParts, type JudgedQueries } from '../recipe-corpus.ts';
import { omit } from '../omit.ts';
import type { MinedSource } from '../schema.ts';
import { makeStage, noWork, type Stage, type Workshop } from '../stage.ts';
import { encodeLists } from '../stored-forms.ts';
import { recordedReport, type WrittenReport } from './written-report.ts';

/** What became of a source, kept with its lists. */
export type ListsReport = Readonly<{
  lists: number;
  passages: number;
  /** Of mining. */
  mined: Readonly<Record<string, number>> | null;
  guard: Readonly<Record<string, number>>;
  /** Whether a generator wrote it, or some of it, earlier. */
  recorded: boolean;
  /** Of what a model wrote for this source. */
  written?: WrittenReport;
}>;

/** Training lists from what retrievers found, without test and dev queries. */
export async function minedListsStage(
  { corpus }: Pick<Workshop, 'corpus'>,
  name: string,
  source: MinedSource,
  candidates: readonly Stage[],
  mined: MinedQueries,
  heldOut: HeldOut,
): Promise<Stage> {
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}`,
    inputs: {
      mined: omit(source, 'retrievers', 'of'),
      names: source.retrievers.map((retriever) => retriever.name),
      candidates: candidates.map(({ key }) => key),
      train: mined.input,
      passages: corpus.passagesHash,
      heldOut: heldOut.hash,
    },
    needs: [...mined.needs, ...candidates],
    work: { ...noWork, seconds: mined.count * 2e-4 },
    run: async (workshop) => {
      const found: CandidateSource[] = [];
      for (const [i, stage] of candidates.entries()) {
        found.push({
          source: source.retrievers[i]?.name ?? '',
          ranking: await workshop.rankingOf(stage),
        });
      }
      const sources = source.fuse ? [fusedSource(found, source.depth)] : found;
      const judged = await mined.open(workshop);
      const textOf = (id: string): string | undefined => corpus.textOf(id) ?? judged.textOf(id);
      const { lists, report } = mine(source, judged, sources, textOf);
      const known = lists.map((list) => judged.withHistory(list));
      return listsOutput(heldOut, known, judged.recorded, { mined: { ...report } });
    },
  });
}

function mine(
  source: MinedSource,
  { queries, judgments }: Pick<JudgedQueries, 'queries' | 'judgments'>,
  sources: readonly CandidateSource[],
  textOf: (id: string) => string | undefined,
): { readonly lists: readonly ListRecord[]; readonly report: MiningReport } {
  const { negatives, pick, seed, level, labelUnjudged, ranks } = source;
  const range = { firstRank: ranks.first, lastRank: ranks.last, level };
  return source.lists === 'listwise'
    ? makeListwiseLists(queries, judgments, sources, textOf, {
        ...range,
        candidates: negatives,
        labelUnjudged,
      })
    : mineHardNegatives(queries, judgments, sources, textOf, {
        ...range,
        negatives,
        pick,
        seed,
        lists: source.lists,
      });
}

/** The lists of a file, without test and dev queries. */
export async function fileListsStage(
  name: string,
  lists: readonly ListRecord[],
  recorded: boolean,
  heldOut: HeldOut,
): Promise<Stage> {
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}`,
    inputs: { lists: await hashInParts(lists), recorded, heldOut: heldOut.hash },
    needs: [],
    work: noWork,
    run: () =>
      Promise.resolve(
        listsOutput(heldOut, lists, recorded, recorded ? { written: recordedReport(lists) } : {}),
      ),
  });
}

/** One list for each query of several sources, or all their lists. */
export async function mergedListsStage(name: string, parts: readonly Stage[], join: boolean): Promise<Stage> {
  return makeStage({
    kind: 'lists',
    label: `lists of ${name}`,
    inputs: { merged: parts.map(({ key }) => key), ...(!join && { join }) },
    needs: parts,
    work: noWork,
    run: async (workshop) => {
      const all: (readonly ListRecord[])[] = [];
      let recorded = false;
      for (const part of parts) {
        all.push(await workshop.listsOf(part));
        recorded ||= ((await workshop.resultOf(part)).value as unknown as ListsReport).recorded;
      }
      const lists = join ? mergeLists(all) : all.flat();
      const value: ListsReport = { ...sizeOf(lists), mined: null, guard: {}, recorded };
      return { value, blobs: [encodeLists(lists)] };
    },
  });
}

/** Lists of the same query joined; a passage that two have, by id or by text, counts for the first. */
export function mergeLists(sources: readonly (readonly ListRecord[])[]): ListRecord[] {
  const merged = new Map<string, { record: ListRecord; documents: ListDocument[]; seen: Set<string> }>();
  for (const list of sources.flat()) {
    const known = merged.get(list.query_id) ?? { record: list, documents: [], seen: new Set<string>() };
    merged.set(list.query_id, known);
    for (const document of list.documents) {
      const [id, text] = [`id ${document.id}`, `text ${textKey(document.text)}`];
      if (known.seen.has(id) || known.seen.has(text)) continue;
      known.seen.add(id).add(text);
      known.documents.push(document);
    }
  }
  return [...merged.values()].map(({ record, documents }) => ({ ...record, documents }));
}

/** Lists without test and dev queries, with what is said of them. */
export function listsOutput(
  heldOut: HeldOut,
  all: readonly ListRecord[],
  recorded: boolean,
  more: Partial<Pick<ListsReport, 'mined' | 'written'>> = {},
): { readonly value: Json; readonly blobs: readonly Uint8Array[] } {
  const { lists, report } = heldOut.guard(all);
  const value: ListsReport = {
    ...sizeOf(lists),
    mined: null,
    guard: report,
    recorded,
    ...more,
  };
  return { value, blobs: [encodeLists(lists)] };
}

export function sizeOf(lists: readonly ListRecord[]): { readonly lists: number; readonly passages: number } {
  return { lists: lists.length, passages: lists.reduce((sum, { documents }) => sum + documents.length, 0) };
}
