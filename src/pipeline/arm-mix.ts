import type { Mix, MixedSource } from '../training/mixing/mix.ts';
import type { RecipeMix } from './mix-schema.ts';
import type { RecipeArm } from './schema.ts';

type MixPart = RecipeMix['sources'][number];

/** What a source is called in its mix: the same source may stand in it with several filters. */
export function originOf({ source, filters }: Pick<MixPart, 'source' | 'filters'>): string {
  return filters === undefined ? source : `${source}, ${filters}`;
}

/** A recipe's mix as the trainer takes it. */
export function mixOf({ batches, sources }: RecipeMix): Mix {
  return {
    batches,
    sources: sources.map(({ source, filters, ...settings }) => ({
      name: originOf({ source, filters }),
      ...(Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Omit<
        MixedSource,
        'name'
      >),
    })),
  };
}

/** What an arm trains on, in words. */
export function sourceName({ source, mix }: Pick<RecipeArm, 'source' | 'mix'>): string {
  return source ?? mix?.sources.map(originOf).join(' + ') ?? '';
}
