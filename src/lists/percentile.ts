/**
 * A percentile by linear interpolation between neighbors, as NumPy's default: the value at place (n − 1) · p / 100
 * of the ascending values, counted from 0.
 *
 * @param ascending at least one number, sorted
 * @param p from 0 to 100
 */
export function percentile(ascending: Float64Array, p: number): number {
  if (ascending.length === 0) throw new RangeError('percentile: there are no values');
  if (!(p >= 0 && p <= 100)) throw new RangeError(`percentile: ${p} is not from 0 to 100`);
  const place = ((ascending.length - 1) * p) / 100;
  const below = ascending[Math.floor(place)] as number;
  const above = ascending[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
