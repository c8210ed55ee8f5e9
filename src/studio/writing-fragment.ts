/** The parts of a recipe that write queries, and that find candidates for them. */
import { knownPrompt } from '../pipeline/recipe-prompts.ts';
import type { FragmentInput } from '../pipeline/fragment-schema.ts';
import type { CandidateChoices, WritingSetup } from './writing-protocol.ts';

/** The recipe's names of what it has one of. */
export const names = {
  writer: 'writer',
  written: 'written',
  candidates: 'candidates',
  rules: 'rules',
} as const;

/** What a setup asks for. */
export interface AskedWriting {
  /** Queries for a passage, if every reply fits. */
  readonly perPassage: number;
  readonly testPassages: number;
  readonly trainPassages: number;
  readonly requests: number;
}

/** @throws InputError for a prompt that is none */
export function askedWriting({
  prompts,
  queries,
  testQueries,
}: Pick<WritingSetup, 'prompts' | 'queries' | 'testQueries'>): AskedWriting {
  const perPassage = Math.max(
    1,
    prompts.reduce((sum, prompt) => sum + knownPrompt(prompt).count, 0),
  );
  const testPassages = Math.max(1, Math.ceil(testQueries / perPassage));
  const trainPassages = Math.max(1, Math.ceil((queries - testQueries) / perPassage));
  return {
    ...{ perPassage, testPassages, trainPassages },
    requests: prompts.length * (testPassages + trainPassages),
  };
}

/** @throws InputError for a prompt that is none */
export function writingFragment(itemId: string, setup: WritingSetup): FragmentInput {
  const { generator, prompts, seed } = setup;
  const { testPassages, trainPassages } = askedWriting(setup);
  return {
    corpus: {
      ...{ folder: itemId, train: null },
      test: { heldOut: names.written, passages: testPassages, seed },
    },
    generators: { [names.writer]: generator },
    sources: {
      [names.written]: {
        ...{ kind: 'generated', prompts: [...prompts], seed },
        of: { passages: { sample: trainPassages, seed } },
      },
    },
  };
}

export function candidatesFragment(choices: CandidateChoices): FragmentInput {
  const { itemId, split, heldOut, encoder, teacher, perRetriever, sample, rules, writer, seed } = choices;
  const retrievers = [
    { kind: 'bm25' },
    { kind: 'dense', name: 'encoder', model: encoder },
    { kind: 'random', seed },
  ] as const;
  const [test = null, dev] = heldOut;
  return {
    corpus: { folder: itemId, train: split, test, ...(dev !== undefined && { dev: { split: dev } }) },
    ...(writer !== undefined && { generators: { [names.writer]: writer } }),
    sources: {
      mined: {
        ...{ kind: 'mined', retrievers: [...retrievers], negatives: perRetriever, pick: 'top', seed },
        // What two retrievers have counts for the first, which is not to have everything.
        ranks: { last: 2 * perRetriever },
      },
      sampled: { kind: 'selected', of: 'mined', ...(sample !== undefined && { sample }), seed },
      ...(writer !== undefined && {
        hard: { kind: 'generated', prompts: ['a-hard-negatives'], of: { source: 'sampled' }, seed },
      }),
      // One name for both, so that the rules and the scores know one source.
      [names.candidates]: { kind: 'selected', of: writer === undefined ? 'sampled' : 'hard', seed },
    },
    teacher: { from: 'encoder', model: teacher },
    filters: rules.length === 0 ? {} : { [names.rules]: [...rules] },
  };
}
