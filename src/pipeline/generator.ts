/** What a kind of generator is: one file of generators/ defines it, and generators/index.ts lists it. */
import * as v from 'valibot';
import type { ByteSource } from '../core/source.ts';
import type { Generator } from '../host/generator.ts';
import { entriesOf, type Entries, type Setting } from '../core/setting.ts';
import type { Faults, Path } from './faults.ts';
import type { Place } from './recipe-lists.ts';

/** What a host opens a generator with. No recipe has a key: it is the host's business. */
export interface GeneratorMeans {
  /** Of the server that it asks. */
  readonly key?: string | undefined;
  /** The origin of the page where it runs in one. */
  readonly pageOrigin?: string | undefined;
  /** A file that its settings name. */
  readonly openFile: (place: Place) => Promise<ByteSource>;
}

/** One of a kind, as a recipe has it. */
export interface NamedGenerator {
  readonly kind: string;
  /** Names its replies in the log; where it is left out, the opened generator says it. */
  readonly model?: string | undefined;
}

type Settings = Readonly<Record<string, Setting>>;

/** What a kind of generator states of itself. */
interface Definition<Kind extends string, Table extends Settings, Chosen> {
  /** What recipes and logs call it. */
  readonly kind: Kind;
  /** What lists of kinds call it. */
  readonly title: string;
  /** Where texts go, and what it costs. */
  readonly about: string;
  readonly settings: Table;
  /** The setting whose value the command line takes as `--generator PREFIX…`; the prefix alone where there is none. */
  readonly named: { readonly by?: keyof Table & string; readonly prefix: string };
  /** One of this kind in a few words. */
  describe(generator: Chosen): string;
  /** What is wrong with its settings beside their types and ranges. */
  check?(generator: Chosen, path: Path, faults: Faults): void;
  /** The server that its texts are sent to, which may want a key. */
  server?(generator: Chosen): string;
  /** The name of a file that the user has to drop on the page: a page keeps none. */
  droppedFile?(generator: Chosen): string | undefined;
  /** Where what it replays is kept: such a generator writes nothing, and sources may have ready lists in its place. */
  recording?(generator: Chosen): Place;
  /** Not loaded yet. A kind without it is opened by the hosts that list it ({@link HostGenerator}). */
  open?(generator: Chosen, means: GeneratorMeans): Promise<Generator>;
}

type KindSchema<Kind extends string, Table> = v.StrictObjectSchema<
  { readonly kind: v.LiteralSchema<Kind, undefined> } & Entries<Table>,
  undefined
>;

/** A kind of generator. */
export interface GeneratorDefinition extends Definition<string, Settings, NamedGenerator> {
  readonly schema: v.GenericSchema<NamedGenerator>;
}

export function defineGenerator<const Kind extends string, const Table extends Settings>(
  definition: Definition<Kind, Table, v.InferOutput<KindSchema<Kind, Table>>>,
) {
  const { kind, settings } = definition;
  const schema: KindSchema<Kind, Table> = v.strictObject({ kind: v.literal(kind), ...entriesOf(settings) });
  return { ...definition, schema };
}

/** How a host opens a kind that not all hosts open alike. Each host has one list of them. */
export interface HostGenerator<Chosen = NamedGenerator, Means = GeneratorMeans> {
  readonly kind: string;
  open(generator: Chosen, means: Means): Promise<Generator>;
}
