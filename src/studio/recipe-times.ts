/** How long recipes take on this computer, from the plans that were made here. */
import type { Plan } from '../pipeline/plan.ts';
import type { RecipeInput } from '../pipeline/schema.ts';
import { readPreference, writePreference } from './state/preferences.ts';
import { aboutSeconds } from './words/time.ts';

const name = 'recipe-seconds';

/** Seconds by recipe, as planned by this version of the studio with this device. */
export function plannedSeconds(device: string): Readonly<Record<string, number>> {
  try {
    const kept = JSON.parse(readPreference(name) ?? '{}') as {
      readonly of?: string;
      readonly seconds?: Readonly<Record<string, number>>;
    };
    return kept.of === origin(device) ? (kept.seconds ?? {}) : {};
  } catch {
    return {};
  }
}

/** Notes what a plan says, if it is about the whole of a recipe. */
export function noteSeconds(id: string, plan: Plan, device: string): void {
  const isWhole = plan.stages.every(({ stored, timeIsUnknown }) => !stored && timeIsUnknown !== true);
  if (!isWhole) return;
  const seconds = { ...plannedSeconds(device), [id]: Math.round(plan.seconds) };
  writePreference(name, JSON.stringify({ of: origin(device), seconds }));
}

function origin(device: string): string {
  return `${__STUDIO_VERSION__}, ${device}`;
}

/**
 * `4 of 12 trainings are already computed; the rest takes about 5 min.` Undefined where none is, or where nobody can
 * tell from the plan.
 */
export function computedInWords(recipe: RecipeInput, plan: Plan): string | undefined {
  // The trials of a tuning are trainings, too.
  if (recipe.tuning !== undefined) return undefined;
  const all = distinctTrainings(recipe);
  // What a stored stage needs is not in the plan.
  const pending = plan.stages.filter(({ kind, stored }) => kind === 'training' && !stored).length;
  const computed = all - pending;
  if (computed <= 0 || plan.stages.every(({ stored }) => stored)) return undefined;
  const trainings = `${all} ${all === 1 ? 'training' : 'trainings'}`;
  const isUnknown = plan.stages.some(({ timeIsUnknown }) => timeIsUnknown === true);
  const rest = isUnknown
    ? 'the rest takes longer than can be told yet'
    : `the rest takes ${aboutSeconds(plan.seconds)}`;
  return `${computed} of ${trainings} ${computed === 1 ? 'is' : 'are'} already computed; ${rest}.`;
}

/** How many trainings of a recipe differ. */
function distinctTrainings({ arms, seeds }: RecipeInput): number {
  const contents = new Set(arms.map((arm) => JSON.stringify({ ...arm, name: '' })));
  return contents.size * (seeds?.length ?? 1);
}
