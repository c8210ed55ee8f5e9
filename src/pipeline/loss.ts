import { lossTerm, parseLossSpec, type LossSpec } from '../losses/loss-spec.ts';
import type { RecipeLoss } from './schema/loss.ts';

/** The loss that a recipe names. @throws InputError for an unknown loss or setting, or a value out of range. */
export function readLoss(loss: RecipeLoss): LossSpec {
  if (typeof loss === 'string') return parseLossSpec(loss);
  const terms = Array.isArray(loss) ? loss : [loss];
  return {
    terms: terms.map(({ name, weight, scope, ...settings }) =>
      lossTerm({
        loss: name,
        settings,
        ...(weight === undefined ? {} : { weight }),
        ...(scope === undefined ? {} : { scope }),
      }),
    ),
  };
}

/** The same loss at another temperature, in every term that has one. */
export function withTemperature(spec: LossSpec, temperature: number): LossSpec {
  return {
    terms: spec.terms.map((term) =>
      Object.hasOwn(term.settings, 'temperature')
        ? { ...term, settings: { ...term.settings, temperature } }
        : term,
    ),
  };
}

export function hasTemperature(spec: LossSpec): boolean {
  return spec.terms.some(({ settings }) => Object.hasOwn(settings, 'temperature'));
}

/** Whether a loss, or what it masks, reads teacher scores. */
export function readsTeacher(spec: LossSpec): boolean {
  return spec.terms.some(
    ({ definition, mask }) =>
      definition.needs.includes('teacher') || mask.share !== null || mask.margin !== null,
  );
}
