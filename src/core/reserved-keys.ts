/** Reserved member names: the library that validates documents silently drops these. */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** The paths of a document's members that have a name which would be dropped. */
export function reservedKeyPaths(document: unknown): readonly (readonly (string | number)[])[] {
  const found: (readonly (string | number)[])[] = [];
  const left: { readonly value: unknown; readonly path: readonly (string | number)[] }[] = [
    { value: document, path: [] },
  ];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    const { value, path } = at;
    if (typeof value !== 'object' || value === null) continue;
    const isList = Array.isArray(value);
    for (const [key, member] of Object.entries(value)) {
      const place = [...path, isList ? Number(key) : key];
      if (!isList && reserved.has(key)) found.push(place);
      left.push({ value: member, path: place });
    }
  }
  return found;
}
