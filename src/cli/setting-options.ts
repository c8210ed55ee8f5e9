/** Options of the command line from tables of settings. */
import type { Command } from 'commander';
import { InputError } from '../core/errors.ts';
import {
  settingsOf,
  valueAt,
  withValueAt,
  type Chosen,
  type Setting,
  type SettingTable,
} from '../core/setting.ts';
import { numberText } from '../core/setting-ranges.ts';

/** Adds an option for each setting. One that is not given has no value: its default is the table's. */
export function addSettingOptions(command: Command, table: SettingTable): Command {
  for (const { setting } of settingsOf(table)) {
    const { option, placeholder, help } = setting;
    if (option === undefined) continue;
    const [what = '', otherwise] = help.replace(/\.$/, '').split('. Default: ');
    const says =
      setting.range !== undefined ||
      what.includes(':') ||
      setting.schema.type === 'string' ||
      namesValues(what, setting);
    const standard = setting.default === undefined ? otherwise : shownDefault(setting.show(setting.default));
    const about = [
      what,
      ...(says ? [] : [`(${setting.wanted})`]),
      ...(standard === undefined ? [] : [`(default: ${standard})`]),
    ].join(' ');
    command.option(`--${option} <${placeholder}>`, about, (text: string) => {
      const value = setting.read(text);
      if (value !== undefined) return value;
      throw new InputError(`--${option} is "${text}"`, { remedy: `Use ${setting.wanted}` });
    });
  }
  return command;
}

/** Whether a help text names the values that a setting may have. */
function namesValues(help: string, { choices, wanted }: Setting): boolean {
  const text = help.toLowerCase();
  return (choices ?? [wanted]).every((value) => text.includes(value));
}

function shownDefault(value: string | number): string {
  return typeof value === 'number' ? numberText(value) : value;
}

/** What the options say of a table's settings, as a recipe would. */
export function chosenSettings<Table extends SettingTable>(table: Table, options: object): Chosen<Table> {
  return settingsOf(table).reduce<Chosen<Table>>((chosen, { path, setting }) => {
    const value = setting.option === undefined ? undefined : valueAt(options, [attributeOf(setting.option)]);
    return value === undefined ? chosen : withValueAt(chosen, path, value);
  }, {});
}

/** As commander names the value of an option. */
function attributeOf(option: string): string {
  return option.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
