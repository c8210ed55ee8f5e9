/** Losses in words, with all their settings. */
import { numberText } from '../../core/setting-ranges.ts';
import type { CandidateScope, LossDefinition } from '../../losses/contract.ts';
import { parseLossSpec, type LossSpec, type LossTerm } from '../../losses/loss-spec.ts';
import { own } from '../../core/own.ts';

/** What a query's positive is compared with. */
export const scopeTitles: Readonly<Record<CandidateScope, string>> = {
  own: 'passages of its own list',
  'in-batch': 'its own list and the other positives of the batch',
  batch: 'all passages of the batch',
};

/** `teacherTemperature` as `teacher temperature`. */
export function lossSettingTitle(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** `Listwise KL divergence · temperature 0.05 · teacher temperature 0.3 · passages of its own list`. */
export function lossInWords(spec: LossSpec): string {
  return lossTermsInWords(spec).join(' + ');
}

/** The same of a loss as reports write it: `kl(temperature=0.1)`. */
export function lossTextInWords(text: string): string {
  try {
    return lossInWords(parseLossSpec(text));
  } catch {
    // A report may be of another version.
    return text;
  }
}

/** The same, each term of the sum by itself. */
export function lossTermsInWords({ terms }: LossSpec): readonly string[] {
  return terms.map(termInWords);
}

function termInWords({ definition, weight, settings, scope, mask }: LossTerm): string {
  const said = Object.entries(settings).flatMap(([name, value]) => {
    const title = lossSettingTitle(name);
    if (own(definition.settings, name)?.isSwitch === true) return value === 1 ? [title] : [];
    // What is 0 unless somebody sets it is turned off.
    return value === 0 && isOffByDefault(definition, name) ? [] : [`${title} ${numberText(value)}`];
  });
  const masked = [
    ...(mask.share === null ? [] : [`without negatives above ${mask.share} × the positive’s teacher score`]),
    ...(mask.margin === null
      ? []
      : [`without negatives above the positive’s teacher score less ${mask.margin}`]),
  ];
  const words = [definition.title, ...said, scopeTitles[scope], ...masked].join(' · ');
  return weight === 1 ? words : `${numberText(weight)} × ${words}`;
}

function isOffByDefault({ settings }: LossDefinition, name: string): boolean {
  return own(settings, name)?.default === 0;
}
