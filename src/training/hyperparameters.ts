import { settingsOf, valueAt } from '../core/setting.ts';
import type { TrainingSettings } from './settings.ts';
import { trainingSettingTable } from './setting-table.ts';

/** Settings by the names that a model card gives them, as an experiment keeps them. */
export type Hyperparameters = Readonly<Record<string, string | number | boolean>>;

/** Training settings that a user can choose and that affect the result, in readable form. */
export function hyperparametersOf(settings: TrainingSettings): Hyperparameters {
  const shown: Record<string, string | number> = {};
  for (const { path, setting } of settingsOf(trainingSettingTable)) {
    if (setting.decidesNothing === true) continue;
    const value = valueAt(settings, path);
    shown[setting.title] = value === undefined ? (setting.unset ?? 'not set') : setting.show(value);
  }
  const { selection } = settings;
  return {
    ...shown,
    ...(selection.kind === 'lora' && { 'LoRA rank': selection.rank, 'LoRA alpha': selection.alpha }),
    seed: settings.seed,
  };
}
