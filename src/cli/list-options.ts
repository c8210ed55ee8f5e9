import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import type { LossSpec } from '../losses/loss-spec.ts';
import type { FragmentInput } from '../pipeline/fragment-schema.ts';
import type { RecipeMix } from '../pipeline/mix-schema.ts';
import { readText } from './input-files.ts';

/** The options that say what is trained on. */
export interface ListOptions {
  /** `FILE`, or with a mix `NAME=FILE` for each source. */
  readonly lists: readonly string[];
  readonly mix?: string;
}

interface ListFile {
  readonly file: string;
  /** The source of the mix that its lists are of. */
  readonly origin: string | undefined;
}

/** What the options choose, as a recipe has it. */
export interface ChosenLists {
  readonly sources: NonNullable<FragmentInput['sources']>;
  readonly arm: { readonly source: string } | { readonly mix: RecipeMix };
  /** Each file with the source that reads it, in the order of the mix. */
  readonly files: readonly (ListFile & { readonly source: string })[];
}

/** @throws InputError naming what does not fit */
export async function chosenLists(options: ListOptions, loss: LossSpec): Promise<ChosenLists> {
  if (options.mix === undefined) {
    const { file } = onlyFile(options.lists);
    const sources = { lists: { kind: 'lists', file } as const };
    return { sources, arm: { source: 'lists' }, files: [{ file, origin: undefined, source: 'lists' }] };
  }
  const mix = await readMixFile(options.mix, loss);
  const given = filesOf(mix, options);
  const sources: ChosenLists['sources'] = {};
  const files: (ListFile & { source: string })[] = [];
  for (const { source: name } of mix.sources) {
    const own = given.filter(({ origin }) => origin === name);
    const parts = own.map((file, i) => ({ ...file, source: own.length === 1 ? name : `${name} ${i + 1}` }));
    for (const { file, source } of parts) sources[source] = { kind: 'lists', file };
    if (parts.length > 1) {
      sources[name] = { kind: 'merged', of: parts.map(({ source }) => source), join: false };
    }
    files.push(...parts);
  }
  return { sources, arm: { mix }, files };
}

async function readMixFile(file: string, loss: LossSpec): Promise<RecipeMix> {
  // What recipes may hold: only for those who mix.
  const { readMix } = await import('../pipeline/read-mix.ts');
  const { parseRecipeText } = await import('../pipeline/read-recipe.ts');
  return readMix(parseRecipeText(await readText(file), file), loss, file);
}

function onlyFile(given: readonly string[]): ListFile {
  const [file, ...more] = given;
  if (file !== undefined && more.length === 0) return { file, origin: undefined };
  throw new InputError(`--lists was passed ${given.length} times`, {
    remedy: 'Pass one file, or use --mix to combine the lists of several sources',
  });
}

/** The files of each source, in the order of the mix. @throws InputError if names and sources are not the same */
function filesOf({ sources }: RecipeMix, { lists, mix }: ListOptions): readonly ListFile[] {
  const known = sources.map(({ source }) => source);
  const files = lists.map((given) => {
    const [, origin, file] = /^([^=]+)=(.+)$/s.exec(given) ?? [];
    if (origin === undefined || file === undefined) {
      throw new InputError(`--lists is "${given}", which does not name a source of the mix`, {
        remedy: `Use --lists NAME=FILE, where NAME is one of ${known.join(', ')}`,
      });
    }
    if (!known.includes(origin)) {
      const nearest = nearestName(origin, known);
      throw new InputError(`--lists is "${given}", and the mix has no source ${origin}`, {
        file: mix,
        remedy: nearest === undefined ? `Use one of ${known.join(', ')}` : `Did you mean ${nearest}`,
      });
    }
    return { file, origin };
  });
  return known.flatMap((name) => {
    const ofSource = files.filter(({ origin }) => origin === name);
    if (ofSource.length > 0) return ofSource;
    throw new InputError(`the source ${name} has no lists`, {
      file: mix,
      remedy: `Pass --lists ${name}=FILE, or remove the source from the mix`,
    });
  });
}
