import type { Json } from './contract.ts';

/** What JSON makes of a value of this type; never where it would lose something (a function, a Map). */
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

/**
 * A value as the {@link Json} that it is: to TypeScript an interface is none, since it could be extended.
 * Members that are undefined are left out where it is written.
 */
export function jsonOf<T>(value: T & Jsonable<T>): Json {
  return value as Json;
}
