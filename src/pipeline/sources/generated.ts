import * as v from 'valibot';
import type { Prompt } from '../../generation/prompt.ts';
import { writingSettingTable } from '../../generation/writing-setting-table.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { Json } from '../../core/json.ts';
import { own } from '../../core/own.ts';
import { entriesOf } from '../../core/setting.ts';
import { checkFile } from '../faults.ts';
import { omit } from '../omit.ts';
import { isWithoutLog, type GeneratorsByName } from '../generators/index.ts';
import { generatorOf } from '../recipe-generators.ts';
import { checkSubject, isPromptFile, knownPrompt, openPrompts } from '../recipe-prompts.ts';
import { described, fileEntries, name, sampleEntries, text } from '../schema/parts.ts';
import { defineSource, type SourceContext } from '../source.ts';
import { generatedStage } from '../stages/generated.ts';
import {
  aboutLists,
  aboutPassages,
  aboutTrainQueries,
  expectedWriting,
  type WrittenAbout,
} from '../written-about.ts';
import { fileLists } from './lists.ts';

/** Read where the recipe is checked, with the messages of prompt files. */
const promptDocument = v.custom<Readonly<Record<string, Json>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'is neither the name of a prompt nor a prompt {…}',
);

const schema = v.strictObject({
  kind: v.literal('generated'),
  recorded: described(
    v.optional(v.strictObject(fileEntries)),
    'File of lists generated earlier, whose passages name the generator as their source. Nothing is generated, ' +
      'and no other member may be set.',
  ),
  generator: described(v.optional(name), 'Name of a generator. Default: the only one.'),
  prompts: described(
    v.optional(v.pipe(v.array(v.union([text, promptDocument])), v.minLength(1))),
    'Names of built-in prompts, prompt files, or prompts themselves (docs/generation.md describes their members); ' +
      'each is applied to every passage or list.',
  ),
  of: described(
    v.optional(
      v.union([
        v.strictObject({ passages: v.strictObject(sampleEntries) }),
        v.strictObject({ train: v.strictObject(sampleEntries) }),
        v.strictObject({ source: name, ...sampleEntries }),
      ]),
    ),
    'Input of the prompts: passages of the corpus, the train queries with their positives, or the lists of another ' +
      'source. Set a sample to use a random part; otherwise all are used.',
  ),
  ...entriesOf(writingSettingTable),
});

type GeneratedSource = v.InferOutput<typeof schema>;
/** A generated source that a model is to write, not a file. */
type WrittenSource = GeneratedSource & {
  readonly prompts: NonNullable<GeneratedSource['prompts']>;
  readonly of: NonNullable<GeneratedSource['of']>;
};

/** Lists that a language model writes, or that one wrote earlier. */
export const generated = defineSource({
  schema,
  parts: ({ of }) =>
    of !== undefined && 'source' in of ? [{ name: of.source, path: ['of', 'source'] }] : [],
  file: ({ recorded }) => recorded,
  check: (source, { corpus, generators }, path, faults) => {
    const { recorded, generator, prompts, of } = source;
    if (recorded !== undefined) {
      checkFile(recorded, [...path, 'recorded'], faults);
      const more = Object.values(omit(source, 'kind', 'recorded'));
      if (more.every((each) => each === undefined)) return;
    }
    if (prompts === undefined || of === undefined) {
      faults.add(path, 'set "prompts" and "of", or "recorded" lists');
      return;
    }
    const known = Object.keys(generators);
    if (generator !== undefined) {
      faults.reference([...path, 'generator'], generator, known, 'generator');
    } else if (known.length !== 1) {
      faults.add([...path, 'generator'], `set one of the generators (known: ${known.join(', ') || 'none'})`);
    }
    if (recorded === undefined && isWithoutLog(own(generators, generatorOf(generators, source)))) {
      faults.add(path, 'its generator is recorded without a log; set "recorded" lists');
    }
    prompts.forEach((prompt, i) => {
      if (typeof prompt === 'string' && isPromptFile(prompt)) return;
      faults.attempt([...path, 'prompts', i], () => checkSubject(knownPrompt(prompt), of));
    });
    const names = prompts.map((prompt) => (typeof prompt === 'string' ? prompt : canonicalJson(prompt)));
    faults.distinct((i) => [...path, 'prompts', i], names, 'prompts');
    if ('train' in of && corpus.train === null) {
      faults.add([...path, 'of'], 'asks about train queries, but corpus.train is null');
    }
  },
  prepare: async (name, source, context) => {
    const { generators, heldOut } = context;
    if (!isWritten(source, generators.byName)) return fileLists(name, context, true);
    const { role, prompts, about } = await openWriting(source, context);
    const lists = await generatedStage({
      ...(await generators.identityOf(role)),
      ...{ source: name, role, heldOut, seed: source.seed ?? writingSettingTable.seed.default },
      ...{ prompts, about },
    });
    return { lists, expected: { ...expectedWriting(prompts, about), ...context.typicalTokens() } };
  },
});

/** Who is asked what about what. */
export interface OpenedWriting {
  /** The generator's name in the recipe. */
  readonly role: string;
  readonly prompts: readonly Prompt[];
  readonly about: WrittenAbout;
}

/** @throws InputError naming a prompt that cannot be read or does not fit */
export async function openWriting(source: WrittenSource, context: SourceContext): Promise<OpenedWriting> {
  const { generators } = context;
  return {
    role: generatorOf(generators.byName, source),
    prompts: await openPrompts(source, (path) => generators.openPromptFile(path)),
    about: await writtenAbout(source.of, context),
  };
}

/** Whether a model, or the log of one, is to write it. What has ready lists as well takes those from a recording. */
export function isWritten(source: GeneratedSource, generators: GeneratorsByName): source is WrittenSource {
  if (source.prompts === undefined || source.of === undefined) return false;
  return source.recorded === undefined || !isWithoutLog(own(generators, generatorOf(generators, source)));
}

/** Whether it can be asked for queries for any passage of the corpus. */
export function writesForPassages(
  source: { readonly kind: string },
  generators: GeneratorsByName,
): source is WrittenSource {
  return isGenerated(source) && isWritten(source, generators) && 'passages' in source.of;
}

function isGenerated(source: { readonly kind: string }): source is GeneratedSource {
  return source.kind === 'generated';
}

async function writtenAbout(of: WrittenSource['of'], context: SourceContext): Promise<WrittenAbout> {
  const { corpus, heldOut } = context;
  if ('passages' in of) return aboutPassages(corpus, heldOut, of.passages);
  if ('train' in of) return aboutTrainQueries(corpus, heldOut, of.train);
  const { lists, expected } = await context.source(of.source);
  return aboutLists(lists, expected, of);
}
