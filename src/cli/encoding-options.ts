import type { Command } from 'commander';
import { encodingSettingTable } from '../encoders/encoding-setting-table.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import { addSettingOptions, chosenSettings } from './setting-options.ts';

/** Adds what a user may say differently from the model's folder. */
export function addEncodingOptions(command: Command): Command {
  return addSettingOptions(command, encodingSettingTable);
}

export function encodingOverrides(options: object): EncodingOverrides {
  return chosenSettings(encodingSettingTable, options);
}
