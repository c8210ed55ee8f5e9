/**
 * Queries that a source writes for passages that are held out: the test or the dev set of a corpus without judgments.
 * The corpus is known and the questions are not: the passages stay among those that are searched, and may be negatives.
 */
import { InputError } from '../core/errors.ts';
import { own } from '../core/own.ts';
import { textKey } from '../corpus/text-key.ts';
import { writingSettingTable } from '../generation/writing-setting-table.ts';
import { unguarded } from './guard.ts';
import type { Passage, Passages } from './passages.ts';
import { queriesOfLists, type QuerySet } from './query-set.ts';
import { hashInParts } from './recipe-corpus.ts';
import { generatorOf, type GeneratorShelf } from './recipe-generators.ts';
import { openPrompts } from './recipe-prompts.ts';
import type { Recipe } from './schema.ts';
import type { HeldOutQueries } from './schema/corpus.ts';
import { writesForPassages } from './sources/generated.ts';
import { generatedStage } from './stages/generated.ts';
import { expectedWriting, sampleOf } from './written-about.ts';
import { isHeldOut, type HeldPassages, type WrittenQueries, type WrittenSets } from './written-sets.ts';

interface Parts {
  readonly corpus: { readonly passages: Passages };
  readonly generators: GeneratorShelf;
}

type Asking = Pick<Recipe, 'sources'> & {
  readonly corpus: Pick<Recipe['corpus'], 'dev'> & { test?: unknown };
};

/** Chooses the passages and makes the stages that write. @throws InputError where the corpus has too few passages */
export async function writtenSets(
  { corpus: { test, dev }, sources }: Asking,
  parts: Parts,
): Promise<WrittenSets> {
  const ofTest = isHeldOut(test)
    ? await writtenQueries('test', test, sources, parts, new Set<string>())
    : undefined;
  const ofDev = isHeldOut(dev)
    ? await writtenQueries('dev', dev, sources, parts, ofTest?.textKeys ?? new Set<string>())
    : undefined;
  return { test: ofTest, dev: ofDev };
}

async function writtenQueries(
  set: 'test' | 'dev',
  settings: HeldOutQueries,
  sources: Recipe['sources'],
  { corpus, generators }: Parts,
  taken: ReadonlySet<string>,
): Promise<WrittenQueries> {
  const name = settings.heldOut;
  const source = own(sources, name);
  if (source === undefined || !writesForPassages(source, generators.byName)) {
    throw new InputError(`corpus.${set}.heldOut: ${name} writes no queries for passages`, {
      remedy: 'Use a generated source with "prompts" and "of": {"passages": {}}',
    });
  }
  const held = await chosenPassages(set, settings, corpus.passages, taken);
  const role = generatorOf(generators.byName, source);
  const prompts = await openPrompts(source, (path) => generators.openPromptFile(path));
  const { length: count } = held.passages;
  const about = {
    inputs: { heldOut: await hashInParts(held.passages) },
    needs: [],
    size: { lists: count, passages: count, positives: count },
    open: () => Promise.resolve({ passages: held.passages }),
  };
  const identity = await generators.identityOf(role);
  const stage = await generatedStage({
    ...identity,
    ...{ source: name, role, prompts, about, heldOut: unguarded },
    seed: source.seed ?? writingSettingTable.seed.default,
    what: `${set} queries of ${name}`,
  });
  const queries = queriesOfLists(stage, {
    lists: expectedWriting(prompts, about).lists,
    queryTokens: typicalQueryTokens,
  });
  return {
    ...held,
    ...{ source: name, stage, model: identity.model },
    by: identity.model.startsWith('extract@') ? 'extract' : 'model',
    queries: withCopies(queries, held.copies),
  };
}

/** Of a written query, before there is one. */
const typicalQueryTokens = 16;

/** @param taken the texts that another set holds out, by their keys */
async function chosenPassages(
  set: 'test' | 'dev',
  { passages: sample, seed }: HeldOutQueries,
  all: Passages,
  taken: ReadonlySet<string>,
): Promise<HeldPassages> {
  const usable: number[] = [];
  let place = 0;
  for await (const { text } of all.read()) {
    if (text.trim() !== '' && !(taken.size > 0 && taken.has(textKey(text)))) usable.push(place);
    place++;
  }
  if (sample >= usable.length) {
    throw new InputError(
      `corpus.${set}.passages: ${sample} passages cannot be held out of ${usable.length}, since some must be left to train on`,
      { remedy: `Set fewer than ${usable.length}, or use a larger corpus` },
    );
  }
  const places = new Set(sampleOf(usable, { sample, seed }));
  const chosen = new Map<string, Passage>();
  let at = 0;
  for await (const passage of all.read()) {
    if (!places.has(at++)) continue;
    const key = textKey(passage.text);
    if (!chosen.has(key)) chosen.set(key, passage);
  }
  const ids = new Set<string>();
  const copies = new Map<string, string[]>();
  for await (const { id, text } of all.read()) {
    const held = chosen.get(textKey(text));
    if (held === undefined) continue;
    ids.add(id);
    if (held.id !== id) copies.set(held.id, [...(copies.get(held.id) ?? []), id]);
  }
  return { passages: [...chosen.values()], ids, textKeys: new Set(chosen.keys()), copies };
}

/** The queries with the copies of their passages judged as those are. */
function withCopies(set: QuerySet, copies: HeldPassages['copies']): QuerySet {
  if (copies.size === 0) return set;
  return {
    ...set,
    open: async (workshop) => {
      const opened = await set.open(workshop);
      const judgments = new Map(
        [...opened.judgments].map(([query, grades]) => [
          query,
          new Map(
            [...grades].flatMap(([id, grade]) =>
              [id, ...(copies.get(id) ?? [])].map((each) => [each, grade] as const),
            ),
          ),
        ]),
      );
      return { ...opened, judgments };
    },
  };
}
