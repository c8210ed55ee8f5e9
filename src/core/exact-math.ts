/**
 * Functions whose last bit JavaScript leaves to the engine (Node 20 and Chromium 156 differ in each), built from
 * operations that it does not: + − × ÷ and √ round alike everywhere. What trainings, measures, tests and reports
 * compute on the host uses these, so that the same recipe gives the same bits in every engine. Each is within two units in the last place.
 */

/** ln 2 in two parts: the first has few bits, so that its multiples by small integers are exact. */
const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;

/** 1/n! for n from 13 down to 0. */
const inverseFactorials = Array.from({ length: 14 }, (_, i) => {
  let factorial = 1;
  for (let n = 2; n <= 13 - i; n++) factorial *= n;
  return 1 / factorial;
});

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
/** The half of a float64 that holds its exponent. */
const highWord = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** 2^exponent for an integer exponent ≥ −1022 and ≤ 1023. */
function powerOfTwo(exponent: number): number {
  float[0] = 0;
  words[highWord] = (exponent + 1023) << 20;
  return float[0];
}

/** eˣ, by its series about the nearest multiple of ln 2. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019412) return 0;
  const k = Math.round(x / Math.LN2);
  const rest = x - k * ln2High - k * ln2Low;
  let sum = 0;
  for (const coefficient of inverseFactorials) sum = sum * rest + coefficient;
  // In two steps, because 2^k itself may be beyond the largest or below the smallest normal number.
  const half = Math.trunc(k / 2);
  return sum * powerOfTwo(half) * powerOfTwo(k - half);
}

/** Natural logarithm, by the series of artanh about the nearest power of two. */
export function log(x: number): number {
  const edge = logAtEdge(x);
  if (edge !== undefined) return edge;
  const { power, s } = aroundOne(x);
  return power * ln2High + (2 * s + (2 * s * artanhRest(s) + power * ln2Low));
}

/** Logarithm to the base 2, exact for powers of two. */
export function log2(x: number): number {
  const edge = logAtEdge(x);
  if (edge !== undefined) return edge;
  const { power, s } = aroundOne(x);
  return power + (2 * s + 2 * s * artanhRest(s)) / Math.LN2;
}

/** ln(1 + x), accurate for small x as well. */
export function log1p(x: number): number {
  if (!(Math.abs(x) < 0.25)) return log(1 + x);
  const s = x / (2 + x);
  return 2 * s + 2 * s * artanhRest(s);
}

function logAtEdge(x: number): number | undefined {
  if (Number.isNaN(x) || x < 0) return NaN;
  if (x === 0) return -Infinity;
  return x === Infinity ? Infinity : undefined;
}

/** x = 2^power · (1 + s) / (1 − s), with the last factor between √½ and √2. */
function aroundOne(x: number): { readonly power: number; readonly s: number } {
  // Subnormal numbers are scaled into the range where the exponent can be read.
  const subnormal = x < 2.2250738585072014e-308;
  float[0] = subnormal ? x * 2 ** 54 : x;
  let power = ((words[highWord] as number) >>> 20) - 1023 - (subnormal ? 54 : 0);
  words[highWord] = ((words[highWord] as number) & 0xfffff) | 0x3ff00000;
  let mantissa = float[0];
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    power++;
  }
  return { power, s: (mantissa - 1) / (mantissa + 1) };
}

/** artanh(s) / s − 1, by its series, for |s| ≤ 0.172. */
function artanhRest(s: number): number {
  let sum = 0;
  for (let n = 23; n >= 3; n -= 2) sum = (sum + 1 / n) * (s * s);
  return sum;
}

/** Hyperbolic tangent. */
export function tanh(x: number): number {
  const e = expm1(-2 * Math.abs(x));
  const size = Math.abs(e / (e + 2));
  return x < 0 ? -size : size;
}

/** eˣ − 1, accurate for small x as well. */
function expm1(x: number): number {
  if (Math.abs(x) > 0.5) return exp(x) - 1;
  let sum = 0;
  for (let n = 16; n > 1; n--) sum = ((1 + sum) * x) / n;
  return x + x * sum;
}

/** x², whose bits `x ** 2` leaves to the engine. */
export function square(x: number): number {
  return x * x;
}

/** The Euclidean length of a vector. */
export function norm(vector: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += square(vector[i] as number);
  return Math.sqrt(sum);
}

/** 10ⁿ for an integer n. */
export function powerOfTen(exponent: number): number {
  return Number(`1e${exponent}`);
}

/** The largest n with 10ⁿ ≤ x, for x > 0. */
export function decimalExponent(x: number): number {
  return Number(x.toExponential().split('e')[1]);
}

/** base^exponent for an integer exponent ≥ 0, by squaring. */
export function integerPower(base: number, exponent: number): number {
  let result = 1;
  let factor = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

/** cos(2π·turns), for turns of any size. */
export function cosineOfTurns(turns: number): number {
  const quarters = 4 * (turns - Math.floor(turns));
  const nearest = Math.round(quarters);
  const angle = (quarters - nearest) * (Math.PI / 2);
  switch (nearest % 4) {
    case 0:
      return series(angle, 0);
    case 1:
      return -series(angle, 1);
    case 2:
      return -series(angle, 0);
    default:
      return series(angle, 1);
  }
}

/** Taylor's series of cos (from power 0) or sin (from power 1) for |angle| ≤ π/4. */
function series(angle: number, from: 0 | 1): number {
  const negated = -angle * angle;
  let sum = 0;
  for (let n = 18 + from; n > from; n -= 2) sum = ((sum + 1) * negated) / (n * (n - 1));
  return (1 + sum) * (from === 0 ? 1 : angle);
}
