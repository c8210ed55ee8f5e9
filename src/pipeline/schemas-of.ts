interface HasSchema {
  readonly schema: unknown;
}

type Schemas<Definitions extends readonly unknown[]> = {
  [Place in keyof Definitions]: Definitions[Place] extends { readonly schema: infer Schema } ? Schema : never;
};

/** The schemas of kinds that are defined by an object each, in their order. */
export function schemasOf<const Definitions extends readonly HasSchema[]>(
  all: Definitions,
): Schemas<Definitions>;
export function schemasOf(all: readonly HasSchema[]): readonly unknown[] {
  return all.map(({ schema }) => schema);
}
