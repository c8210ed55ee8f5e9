import type { ArmInput } from '../../recipe-form.ts';

/** What an arm trains on, in words. */
export function armWords({ source, filters, mix }: ArmInput): string {
  const lists =
    mix === undefined
      ? `lists of ${source ?? 'no source'}`
      : `a mix of ${mix.sources.map((part) => part.source).join(', ')}`;
  return `Trains on ${lists}${filters === undefined ? '' : `, filtered by ${filters}`}.`;
}
