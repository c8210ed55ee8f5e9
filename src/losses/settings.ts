import { InputError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';
import { describeRange } from '../core/setting-ranges.ts';
import type { LossSetting, LossSettings } from './contract.ts';
import { own } from '../core/own.ts';

type SettingRules = Readonly<Record<string, LossSetting>>;

/** Why a value cannot be used for a setting; undefined if it can. */
function faultOf(rule: LossSetting, value: number): string | undefined {
  if (rule.isSwitch) return value === 0 || value === 1 ? undefined : 'must be 0 or 1';
  const { above, atLeast } = rule;
  if (!Number.isFinite(value)) return `must be ${describeRange({ above, min: atLeast })}, and finite`;
  if (above !== undefined && value <= above) return `must be above ${above}`;
  if (atLeast !== undefined && value < atLeast) return `must be ${atLeast} or more`;
  return undefined;
}

/** Names compared without regard to case, hyphens and underscores: `margin_mse`, `MarginMSE`, `margin-mse`. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '');
}

/**
 * The settings of a loss, complete: what was given, and the defaults of the rest.
 * @throws InputError for an unknown setting (with the nearest right name) or a value out of range.
 */
export function readSettings<Rules extends SettingRules>(
  loss: string,
  rules: Rules,
  given: LossSettings,
): { readonly [Name in keyof Rules]: number } {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(rules, name)) continue;
    const known = Object.keys(rules);
    const nearest = nearestName(name, known);
    throw new InputError(`${loss} has no setting '${name}'`, {
      remedy: nearest
        ? `Did you mean '${nearest}'`
        : `Use one of its settings: ${known.join(', ') || 'none'}`,
    });
  }
  const values = Object.entries(rules).map(([name, rule]) => {
    const value = own(given, name) ?? rule.default;
    const fault = faultOf(rule, value);
    if (fault !== undefined) {
      throw new InputError(`${loss}: ${name} is ${value}, but ${fault}`, {
        remedy: `Remove it to use the default, ${rule.default}`,
      });
    }
    return [name, value] as const;
  });
  return Object.fromEntries(values) as { readonly [Name in keyof Rules]: number };
}
