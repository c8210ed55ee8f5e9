/**
 * Settings, each defined once: the command line's option, a recipe's member with its JSON Schema, a form's field and a
 * line of a model card are made from it.
 */
import * as v from 'valibot';
import { own } from './own.ts';
import { inRange } from './range-schema.ts';
import { describeRange, isInRange, type NumberRange } from './setting-ranges.ts';

export interface Setting<Value = unknown> {
  /** As JSON has it. */
  readonly schema: v.GenericSchema<Value>;
  /** Undefined if the default depends on other choices; `help` says how. */
  readonly default: Value | undefined;
  /** Name in forms and model cards. */
  readonly title: string;
  /** A sentence or a phrase. */
  readonly help: string;
  /** Command-line option without its dashes; undefined if there is none. */
  readonly option?: string;
  /** Placeholder of the value in the option's help: `n`, `share`, `kind`. */
  readonly placeholder: string;
  /** Range of a number. */
  readonly range?: NumberRange;
  /** Unit of a number: `seconds`. */
  readonly unit?: string;
  /** Set if the setting has no default and must not be left out. */
  readonly isRequired?: true;
  /** The initial value in forms, and the placeholder of an empty field. */
  readonly initial?: Value;
  readonly example?: string;
  /** Allowed values of a choice. */
  readonly choices?: readonly string[];
  /** Whether forms show it at first or under "more"; undefined if they do not show it. */
  readonly form?: 'first' | 'more';
  /** Text shown for an unset value. */
  readonly unset?: string;
  /** Whether it changes how a result is computed but not the result. */
  readonly decidesNothing?: boolean;
  /** The expected value, for errors: `a whole number from 1 to 9`. */
  readonly wanted: string;
  /** Parses the text of a command-line option; undefined if it is invalid. */
  read(text: string): Value | undefined;
  /** A value as the command line and a model card write it. */
  show(value: Value): string | number;
}

/** Options that every kind of setting has. */
interface Definition<Value> {
  readonly title: string;
  readonly help: string;
  readonly option?: string;
  readonly placeholder?: string;
  readonly default?: Value;
  readonly unit?: string;
  readonly unset?: string;
  readonly decidesNothing?: boolean;
  readonly form?: 'first' | 'more';
}

/** Options of a text setting. */
interface TextDefinition extends Definition<string> {
  /** Default: any text that is not empty. */
  readonly schema?: v.GenericSchema<string>;
  readonly wanted: string;
  readonly isRequired?: true;
  readonly initial?: string;
  readonly example?: string;
}

/** A setting with an unconditional default. */
export type SettledSetting<Value> = Setting<Value> & { readonly default: Value };
/** A setting whose default is known where its definition states one. */
type Defined<Value, Given> = Given extends { readonly default: Value }
  ? SettledSetting<Value>
  : Setting<Value>;

/** A number, as JSON or in decimal notation; `1e-5` included where it need not be whole. */
export function numberSetting<const Given extends Definition<number>>(
  range: NumberRange,
  given: Given,
): Defined<number, Given>;
export function numberSetting(
  range: NumberRange,
  { placeholder = 'n', ...definition }: Definition<number>,
): Setting<number> {
  return {
    default: undefined,
    ...definition,
    ...{ range, placeholder },
    schema: inRange(range),
    wanted: describeRange(range),
    read: (text) => readNumber(text, range),
    show: (value) => value,
  };
}

/** @returns undefined if it is not a number in the range */
export function readNumber(text: string, range: NumberRange): number | undefined {
  const notation = range.whole === true ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const value = notation.test(text.trim()) ? Number(text) : NaN;
  return isInRange(value, range) ? value : undefined;
}

/** A text, unchanged. */
export function textSetting<const Given extends TextDefinition>(
  given: Given,
): Setting<string> & Pick<Given, Extract<keyof Given, 'isRequired'>>;
export function textSetting({
  placeholder = 'text',
  schema = v.pipe(v.string(), v.nonEmpty()),
  ...definition
}: TextDefinition): Setting<string> {
  return {
    default: undefined,
    ...definition,
    ...{ placeholder, schema },
    read: (text) => (v.is(schema, text) ? text : undefined),
    show: (value) => value,
  };
}

/** One of several words. */
export function choiceSetting<const Choice extends string, const Given extends Definition<NoInfer<Choice>>>(
  choices: readonly Choice[],
  given: Given,
): Defined<Choice, Given>;
export function choiceSetting(
  choices: readonly string[],
  { placeholder = 'kind', ...definition }: Definition<string>,
): Setting<string> {
  return {
    default: undefined,
    ...definition,
    ...{ choices, placeholder },
    schema: v.picklist(choices),
    wanted: `one of ${choices.join(', ')}`,
    read: (text) => choices.find((choice) => choice === text),
    show: (value) => value,
  };
}

/** Yes or no, in a word for each. */
export function switchSetting<const Given extends Definition<boolean>>(
  words: { readonly yes: string; readonly no: string },
  given: Given,
): Defined<boolean, Given>;
export function switchSetting(
  words: { readonly yes: string; readonly no: string },
  { placeholder = 'how', ...definition }: Definition<boolean>,
): Setting<boolean> {
  const valueOf = new Map([
    [words.yes, true],
    [words.no, false],
  ]);
  return {
    default: undefined,
    ...definition,
    placeholder,
    schema: v.boolean(),
    wanted: `${words.yes} or ${words.no}`,
    read: (text) => valueOf.get(text),
    show: (value) => (value ? words.yes : words.no),
  };
}

/** Groups of settings, as JSON has them. */
export type SettingTable = Readonly<Record<string, Setting | Readonly<Record<string, Setting>>>>;

/** A setting of a table, and the path of its value. */
export interface PlacedSetting {
  readonly path: readonly [member: string] | readonly [group: string, member: string];
  readonly setting: Setting;
}

function isSetting(entry: SettingTable[string]): entry is Setting {
  return 'schema' in entry && 'read' in entry;
}

export function settingsOf(table: SettingTable): readonly PlacedSetting[] {
  return Object.entries(table).flatMap(([member, entry]): PlacedSetting[] =>
    isSetting(entry)
      ? [{ path: [member], setting: entry }]
      : Object.entries(entry).map(([name, setting]) => ({ path: [member, name], setting })),
  );
}

type ValueOf<Entry> = Entry extends Setting<infer Value> ? Value : never;

/** The members of a document for a table's settings: each is optional, and so is each group. */
export type Chosen<Table> = {
  -readonly [Member in keyof Table]?:
    | (Table[Member] extends { readonly read: unknown }
        ? ValueOf<Table[Member]>
        : { -readonly [Name in keyof Table[Member]]?: ValueOf<Table[Member][Name]> | undefined })
    | undefined;
};

type OptionalEntry<Value> = v.OptionalSchema<v.GenericSchema<Value>, undefined>;
export type Entries<Group> = {
  -readonly [Name in keyof Group]: Group[Name] extends { readonly read: unknown }
    ? Group[Name] extends { readonly isRequired: true }
      ? v.GenericSchema<ValueOf<Group[Name]>>
      : OptionalEntry<ValueOf<Group[Name]>>
    : OptionalEntry<Chosen<Group[Name]>>;
};

/** The members of a schema of {@link Chosen} settings, with those that are required. */
export function entriesOf<const Table extends object>(table: Table): Entries<Table>;
export function entriesOf(table: SettingTable): v.ObjectEntries {
  return Object.fromEntries(
    Object.entries(table).map(([member, entry]): [string, v.GenericSchema] => {
      if (!isSetting(entry)) return [member, v.optional(v.strictObject(entriesOf(entry)))];
      const described = v.pipe(entry.schema, v.description(entry.help));
      return [member, entry.isRequired === true ? described : v.optional(described)];
    }),
  );
}

type SettledEntries<Group> = {
  -readonly [Name in keyof Group]: v.OptionalSchema<
    v.GenericSchema<ValueOf<Group[Name]>>,
    ValueOf<Group[Name]>
  >;
};

/** The members of a schema of settings that all have defaults, which it fills in. */
export function settledEntriesOf<const Group extends object>(group: Group): SettledEntries<Group>;
export function settledEntriesOf(group: Readonly<Record<string, Setting>>): v.ObjectEntries {
  return Object.fromEntries(
    Object.entries(group).map(([name, { schema, help, default: standard }]) => [
      name,
      v.optional(v.pipe(schema, v.description(help)), standard),
    ]),
  );
}

/** The value of a setting, where one is chosen. */
export function valueAt(chosen: object, [member, name]: PlacedSetting['path']): unknown {
  const value = memberOf(chosen, member);
  if (name === undefined) return value;
  return typeof value === 'object' && value !== null ? memberOf(value, name) : undefined;
}

function memberOf(of: object, name: string): unknown {
  return own({ ...of }, name);
}

/** The same settings with another value for one of them. */
export function withValueAt<Settings extends object>(
  chosen: Settings,
  [member, name]: PlacedSetting['path'],
  value: unknown,
): Settings {
  if (name === undefined) return { ...chosen, [member]: value };
  return { ...chosen, [member]: { ...(memberOf(chosen, member) ?? {}), [name]: value } };
}

/** Problems with chosen settings, one sentence each. */
export function wrongSettings(table: SettingTable, chosen: object): readonly string[] {
  return settingsOf(table).flatMap(({ path, setting }) => {
    const value = valueAt(chosen, path);
    const isRight = value === undefined ? setting.isRequired !== true : v.is(setting.schema, value);
    if (isRight) return [];
    return [`${labelOf(setting)}: use ${setting.wanted}.`];
  });
}

/** The label of a setting's field. */
export function labelOf({ title, unit }: Setting): string {
  const label = title.replace(/^./, (letter) => letter.toUpperCase());
  return unit === undefined ? label : `${label} (${unit})`;
}

type SettledValue<Entry> = Entry extends SettledSetting<infer Value> ? Value : ValueOf<Entry> | undefined;

/** {@link Chosen} settings with the defaults of all others; one without a default may be undefined, or missing. */
export type Settled<Table> = {
  readonly [Member in keyof Table]: Table[Member] extends { readonly read: unknown }
    ? SettledValue<Table[Member]>
    : { readonly [Name in keyof Table[Member]]: SettledValue<Table[Member][Name]> };
};

/** In the order of the table. */
export function settle<Table extends object>(table: Table, chosen: NoInfer<Chosen<Table>>): Settled<Table>;
export function settle(table: SettingTable, chosen: Readonly<Record<string, unknown>>): object {
  const members = Object.entries(table).map(([member, entry]): [string, unknown] => [
    member,
    isSetting(entry) ? (own(chosen, member) ?? entry.default) : settle(entry, own(chosen, member) ?? {}),
  ]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}
