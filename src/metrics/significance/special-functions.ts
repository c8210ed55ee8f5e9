/** The distribution functions that the tests need, in float64. Accurate to about 1e-12 where they are used here. */
import { cosineOfTurns, exp, log, log1p } from '../../core/exact-math.ts';

/** ln Γ(x) for x > 0, by Lanczos's approximation (g = 7, nine terms). */
export function logGamma(x: number): number {
  if (x < 0.5) return log(Math.PI / cosineOfTurns(x / 2 - 0.25)) - logGamma(1 - x);
  const shifted = x - 1;
  let sum = lanczosFirst;
  for (const [i, coefficient] of lanczos.entries()) sum += coefficient / (shifted + i + 1);
  const t = shifted + lanczosG + 0.5;
  return 0.5 * log(2 * Math.PI) + (shifted + 0.5) * log(t) - t + log(sum);
}

const lanczosG = 7;
const lanczosFirst = 0.99999999999980993;
const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

const tiny = 1e-300;
const epsilon = 1e-16;

/** I_x(a, b), the regularized incomplete beta function, for 0 ≤ x ≤ 1 and a, b > 0. */
export function incompleteBeta(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const logFactor = logGamma(a + b) - logGamma(a) - logGamma(b) + a * log(x) + b * log1p(-x);
  // The continued fraction converges fast on this side; the other side follows by symmetry.
  if (x < (a + 1) / (a + b + 2)) return (exp(logFactor) * betaFraction(a, b, x)) / a;
  return 1 - (exp(logFactor) * betaFraction(b, a, 1 - x)) / b;
}

/** The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    value *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    const factor = c * d;
    value *= factor;
    if (Math.abs(factor - 1) < epsilon) break;
  }
  return value;
}

function away(x: number): number {
  return Math.abs(x) < tiny ? tiny : x;
}

/** P(T > t) for Student's t with `degrees` of freedom. */
export function studentTail(t: number, degrees: number): number {
  if (t === Infinity) return 0;
  if (t === -Infinity) return 1;
  const outer = 0.5 * incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
  return t >= 0 ? outer : 1 - outer;
}

/** The t with P(T > t) = `tail`, for 0 < tail < 1. */
export function studentQuantile(tail: number, degrees: number): number {
  if (tail > 0.5) return -studentQuantile(1 - tail, degrees);
  let high = 1;
  while (studentTail(high, degrees) > tail) high *= 2;
  return bisect((t) => studentTail(t, degrees) < tail, 0, high);
}

/** P(Z ≤ z) for the standard normal distribution. */
export function normalBelow(z: number): number {
  // The tail of |z|: a series near 0, a continued fraction (DLMF 7.9.2) farther out, each where it is accurate.
  const x = Math.abs(z);
  const density = exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  let tail: number;
  if (x < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 200 && term > sum * epsilon; n++) {
      term *= (x * x) / (2 * n + 1);
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    let fraction = x;
    for (let n = 100; n >= 1; n--) fraction = x + n / fraction;
    tail = density / fraction;
  }
  return z > 0 ? 1 - tail : tail;
}

/** P(T > t) for the noncentral t distribution, by integrating over the sample's standard deviation. */
export function noncentralStudentTail(t: number, degrees: number, noncentrality: number): number {
  // T > t where Z + noncentrality > t·u; u = sqrt(chi² / degrees) has this density, concentrated around 1.
  const logScale = Math.LN2 + (degrees / 2) * log(degrees / 2) - logGamma(degrees / 2);
  const integrand = (u: number): number => {
    const logPower = degrees === 1 ? 0 : (degrees - 1) * log(u);
    const logDensity = logScale + logPower - (degrees * u * u) / 2;
    return exp(logDensity) * normalBelow(noncentrality - t * u);
  };
  const spread = 12 / Math.sqrt(2 * degrees);
  const from = Math.max(0, 1 - spread);
  const step = (1 + spread - from) / simpsonIntervals;
  let sum = integrand(from) + integrand(from + simpsonIntervals * step);
  for (let i = 1; i < simpsonIntervals; i++) sum += (i % 2 === 1 ? 4 : 2) * integrand(from + i * step);
  return (sum * step) / 3;
}

const simpsonIntervals = 400;

/** The point between `low` and `high` from which on `reached` holds, to the last bits of a float64. */
export function bisect(reached: (x: number) => boolean, low: number, high: number): number {
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}
