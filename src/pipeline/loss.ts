import { InputError } from '../core/errors.ts';
import {
  lossTerm,
  parseLossSpec,
  readsTeacherScores,
  readsTeacherVectors,
  type LossSpec,
} from '../losses/loss-spec.ts';
import { own } from '../core/own.ts';
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

/** Whether a loss, or what it masks, reads the teacher scores of lists. */
export function readsScores(spec: LossSpec): boolean {
  return spec.terms.some(readsTeacherScores);
}

/** Whether a loss reads a teacher's vectors. */
export function readsVectors(spec: LossSpec): boolean {
  return spec.terms.some(readsTeacherVectors);
}

/** Why a teacher cannot teach a loss; undefined if it can. */
export function teacherFault(spec: LossSpec, teacher: { readonly from: string }): string | undefined {
  const term = spec.terms.find(readsTeacherVectors);
  if (term === undefined || teacher.from === 'encoder' || teacher.from === 'vectors') return undefined;
  const given = own(teachers, teacher.from) ?? teacher.from;
  return (
    `${term.definition.name} over the batch requires a teacher that scores every query with every passage, ` +
    `which ${given} cannot`
  );
}

const teachers: Readonly<Record<string, string>> = {
  stored: 'scores stored in lists',
  file: 'a file of scores',
  'cross-encoder': 'a cross-encoder',
};

/** The loss of a diagnosis, which has lists and no teacher that runs. @throws InputError for one that needs it */
export function lossOfDiagnosis(text: string): LossSpec {
  const spec = parseLossSpec(text);
  const term = spec.terms.find(readsTeacherVectors);
  if (term === undefined) return spec;
  throw new InputError(`a diagnosis cannot compute ${term.definition.name} over the batch`, {
    remedy: `Use ${term.definition.name}(scope=own)`,
  });
}
