/** What a recipe has a language model write about. */
import type { ListRecord } from '../corpus/types.ts';
import type { Prompt } from '../generation/prompt.ts';
import type { Subject } from '../generation/subject.ts';
import type { Json } from '../core/json.ts';
import { RandomStream } from '../core/random.ts';
import type { HeldOut } from './held-out.ts';
import { goldLists, type RecipeCorpus } from './recipe-corpus.ts';
import type { Passage } from './passages.ts';
import type { ListsSize } from './source.ts';
import type { ListsStage, Stage, Workshop } from './stage.ts';

export interface WrittenAbout {
  /** What it depends on, for the key of the stage. */
  readonly inputs: Json;
  readonly needs: readonly Stage[];
  /** About how many lists with how many passages are asked about; passages alone are lists of one positive. */
  readonly size: ListsSize;
  open(workshop: Pick<Workshop, 'listsOf'>): Promise<Subject>;
}

interface Sample {
  readonly sample?: number | undefined;
  readonly seed: number;
}

/** Passages of the corpus, without those that are held out: lists about them would be left out again. */
export async function aboutPassages(
  { passages: all }: RecipeCorpus,
  heldOut: HeldOut,
  { sample, seed }: Sample,
): Promise<WrittenAbout> {
  const usable: number[] = [];
  let place = 0;
  for await (const { text } of all.read()) {
    if (text.trim() !== '' && !heldOut.holdsPassage(text)) usable.push(place);
    place++;
  }
  const places = new Set(sampleOf(usable, { sample, seed }));
  const { size } = places;
  return {
    inputs: { passages: all.hash, sample: sample ?? null, seed },
    needs: [],
    size: { lists: size, passages: size, positives: size },
    open: async () => {
      const passages: Passage[] = [];
      let at = 0;
      for await (const passage of all.read()) if (places.has(at++)) passages.push(passage);
      return { passages };
    },
  };
}

/** Train queries with the passages that are relevant to them, as far as the corpus has those. */
export function aboutTrainQueries(
  corpus: RecipeCorpus,
  { train }: HeldOut,
  { sample, seed }: Sample,
): WrittenAbout {
  const all = train === undefined ? [] : goldLists(train, corpus.passages);
  const lists = sampleOf(
    all.filter(({ documents }) => documents.length > 0),
    { sample, seed },
  );
  const positives = lists.reduce((sum, { documents }) => sum + documents.length, 0);
  return {
    inputs: { train: train?.hash ?? null, passages: corpus.passages.hash, sample: sample ?? null, seed },
    needs: [],
    size: { lists: lists.length, passages: positives, positives },
    open: () => Promise.resolve({ lists }),
  };
}

/** The lists of another source. @param expected what those will about be */
export function aboutLists(lists: ListsStage, expected: ListsSize, { sample, seed }: Sample): WrittenAbout {
  const share = Math.min(1, (sample ?? Infinity) / Math.max(1, expected.lists));
  return {
    inputs: { lists: lists.key, sample: sample ?? null, seed },
    needs: [lists],
    size: {
      lists: Math.round(share * expected.lists),
      passages: Math.round(share * expected.passages),
      positives: Math.round(share * expected.positives),
    },
    open: async (workshop) => {
      const all: readonly ListRecord[] = await workshop.listsOf(lists);
      return { lists: sampleOf(all, { sample, seed }) };
    },
  };
}

/** What the written lists will about be, where every reply fits. */
export function expectedWriting(prompts: readonly Prompt[], { size }: WrittenAbout): ListsSize {
  const of = (writes: Prompt['writes']): number =>
    prompts.reduce((sum, prompt) => sum + (prompt.writes === writes ? prompt.count : 0), 0);
  const queries = size.lists * of('queries');
  const graded = size.lists * of('graded');
  if (queries > 0) {
    const distinctPassages = Math.min(queries, size.passages);
    return { lists: queries, passages: queries, positives: queries, distinctPassages };
  }
  // Of the four grades one is 0.
  if (graded > 0) return { lists: size.lists, passages: graded, positives: Math.round(0.75 * graded) };
  return { ...size, passages: size.passages + size.lists * of('negatives') };
}

/** Requests to a model, at most. */
export function expectedRequests(prompts: readonly Prompt[], { size }: WrittenAbout): number {
  return prompts.reduce((sum, { writes }) => sum + (writes === 'labels' ? size.passages : size.lists), 0);
}

/** A random part, in the order of the whole; the whole without a number. */
export function sampleOf<T>(items: readonly T[], { sample, seed }: Sample): readonly T[] {
  if (sample === undefined || sample >= items.length) return items;
  return new RandomStream(seed, 'sample')
    .shuffle(Array.from(items.keys()))
    .slice(0, sample)
    .sort((a, b) => a - b)
    .map((i) => items[i] as T);
}
