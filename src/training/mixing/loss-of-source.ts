import { InputError } from '../../core/errors.ts';
import type { LossSettings } from '../../losses/contract.ts';
import type { LossSpec, LossTerm } from '../../losses/loss-spec.ts';
import { readSettings } from '../../losses/settings.ts';
import type { Mix, MixedSource } from './mix.ts';

/**
 * The settings that each term has for lists of a source: its own temperature and margin in place of the loss's.
 * @throws InputError if no loss has what the source sets, or one that has it takes whole batches at once.
 */
export function lossOfSource(spec: LossSpec, source: MixedSource): ReadonlyMap<LossTerm, LossSettings> {
  const changes = (['temperature', 'margin'] as const).flatMap((name) => {
    const value = source[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [name] of changes) {
    if (!spec.terms.some(({ settings }) => Object.hasOwn(settings, name))) {
      throw new InputError(`the source ${source.name} sets a ${name}, but no loss of the training has one`, {
        remedy: `Remove the ${name}`,
      });
    }
  }
  return new Map(
    spec.terms.map((term) => {
      const fitting = changes.filter(([name]) => Object.hasOwn(term.settings, name));
      if (fitting.length === 0) return [term, term.settings];
      const { name, rowwise, settings } = term.definition;
      if (!rowwise) {
        throw new InputError(
          `${name} is computed over the whole batch and cannot have a separate ${fitting[0]?.[0] ?? ''} for ${source.name}`,
          { remedy: 'Remove it from the mix, or use another loss' },
        );
      }
      return [term, readSettings(name, settings, { ...term.settings, ...Object.fromEntries(fitting) })];
    }),
  );
}

/** The same for every source of a mix, by its name. @throws InputError */
export function lossOfSources(
  spec: LossSpec,
  { sources }: Mix,
): ReadonlyMap<string, ReadonlyMap<LossTerm, LossSettings>> {
  return new Map(sources.map((source) => [source.name, lossOfSource(spec, source)]));
}
