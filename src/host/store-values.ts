import type { Json } from '../core/json.ts';

/** @throws TypeError naming the place of what JSON would drop or change in silence. */
export function assertJson(value: Json, place: string): void {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return;
    throw new TypeError(`${place} is ${value}, which JSON cannot keep`);
  }
  if (typeof value !== 'object') throw new TypeError(`${place} is ${typeof value}, which JSON cannot keep`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) assertJson(value[i] as Json, `${place}[${i}]`);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`${place} is not a plain object, which JSON cannot keep`);
  }
  for (const [key, member] of Object.entries(value)) assertJson(member, `${place}.${key}`);
}
