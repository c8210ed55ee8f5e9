/**
 * The member of a record under a name that a user chose; undefined where it has none of its own. `record[name]` would
 * find what every object inherits for `constructor` and `toString`; a lint rule refuses it.
 */
export function own<T>(
  record: Readonly<Record<string, T>> | null | undefined,
  name: string | undefined,
): T | undefined {
  if (record === undefined || record === null || name === undefined) return undefined;
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
