/** An object without some of its members. */
export function omit<T extends object, Key extends keyof T>(value: T, ...keys: readonly Key[]): Omit<T, Key> {
  const names = new Set<PropertyKey>(keys);
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name))) as Omit<T, Key>;
}
