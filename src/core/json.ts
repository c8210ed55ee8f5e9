export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The JSON form of a value of this type; `never` if JSON would lose something (a function, a Map). */
export type Jsonable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Jsonable<Item>[]
    : T extends
          | ReadonlyMap<unknown, unknown>
          | ReadonlySet<unknown>
          | ArrayBufferView
          | ((...args: never) => unknown)
      ? never
      : T extends object
        ? { readonly [Key in keyof T]: Jsonable<T[Key]> }
        : never;

/** A record of the store at a place that only this program writes, with what {@link jsonOf} was given. */
export interface WrittenRecord<Value> {
  readonly value: Value;
}

export function writtenAs<Value>(record: { readonly value: Json }): WrittenRecord<Value> {
  return record as WrittenRecord<Value>;
}

/**
 * A value as the {@link Json} that it is: to TypeScript an interface is none, since it could be extended.
 * Members that are undefined are left out where it is written.
 */
export function jsonOf<T>(value: T & Jsonable<T>): Json {
  return value as Json;
}
