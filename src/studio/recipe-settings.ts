/** The settings of tables and of losses, as the form of a recipe shows them. */
import {
  numberSetting,
  settingsOf,
  switchSetting,
  valueAt,
  type PlacedSetting,
  type Setting,
  type SettingTable,
} from '../core/setting.ts';
import { numberText } from '../core/setting-ranges.ts';
import type { LossDefinition } from '../losses/contract.ts';
import { isContrastive } from '../losses/loss-spec.ts';
import { lossSettingTitle } from './words/losses.ts';

/** A setting of a table, with its value in an object that has the table's members. */
export interface MemberSetting extends PlacedSetting {
  readonly valueIn: (chosen: object) => unknown;
}

export function memberSettings(table: SettingTable): readonly MemberSetting[] {
  return settingsOf(table).map((placed) => ({
    ...placed,
    valueIn: (chosen) => valueAt(chosen, placed.path),
  }));
}

/** A value as a field and a line of words show it; what holds without one where it is undefined. */
export function shownSetting(setting: Setting, value: unknown): string {
  const held = value ?? setting.default;
  if (held === undefined) return setting.unset ?? 'default';
  const shown = setting.show(held);
  return typeof shown === 'number' ? numberText(shown) : shown;
}

/** What can be set of a loss beside its weight and its candidates, by the names that recipes use. */
export function lossSettings(definition: LossDefinition): Readonly<Record<string, Setting>> {
  const own = Object.entries(definition.settings).map(([name, rule]): [string, Setting] => {
    const { default: standard, meaning, above, atLeast, isSwitch } = rule;
    const words = { title: lossSettingTitle(name), help: meaning };
    if (isSwitch === true) {
      return [name, switchSetting({ yes: 'on', no: 'off' }, { ...words, default: standard === 1 })];
    }
    return [name, numberSetting({ above, min: atLeast }, { ...words, default: standard })];
  });
  return { ...Object.fromEntries(own), ...(isContrastive(definition) ? maskSettings : {}) };
}

/** Of each loss that takes all other passages for negatives. */
const maskSettings = {
  mask: numberSetting(
    { min: 0 },
    {
      title: 'mask',
      help: 'Leaves out negatives whose teacher score is above this share of the positive’s.',
      unset: 'off',
    },
  ),
  maskMargin: numberSetting(
    { min: 0 },
    {
      title: 'mask margin',
      help: 'Leaves out negatives whose teacher score is above the positive’s less this.',
      unset: 'off',
    },
  ),
} as const;
