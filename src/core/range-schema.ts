import * as v from 'valibot';
import { describeRange, type NumberRange } from './setting-ranges.ts';

/** The schema of a number in a range; each refusal states the whole range. */
export function inRange(range: NumberRange) {
  const { whole, min, above, max, below } = range;
  const message = `must be ${describeRange(range)}`;
  const rules: v.GenericValidation<number>[] = [];
  if (whole === true) rules.push(v.integer(message));
  if (min !== undefined) rules.push(v.minValue(min, message));
  if (above !== undefined) rules.push(v.gtValue(above, message));
  if (max !== undefined) rules.push(v.maxValue(max, message));
  if (below !== undefined) rules.push(v.ltValue(below, message));
  return v.pipe(v.number(), ...rules);
}
