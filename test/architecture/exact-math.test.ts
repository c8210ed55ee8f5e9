import { expect, it } from 'vitest';
import { findInexactMath } from './exact-math.ts';
import { readSources } from './sources.ts';

/**
 * The files that may use functions whose last bit is the engine's own, and why. Whatever a training, a measure, a test
 * or a report depends on takes them from src/core/exact-math.ts.
 */
const allowed: Readonly<Record<string, string>> = {};

it('no result depends on functions that engines compute differently', () => {
  const places = findInexactMath(readSources()).filter((place) => {
    const file = place.slice(0, place.indexOf(':'));
    return !Object.hasOwn(allowed, file);
  });
  expect(places).toEqual([]);
});

it.each([
  ['const y = Math.exp(x);', 'src/a.ts:1 Math.exp'],
  ['const f = x.map(Math.log2);', 'src/a.ts:1 Math.log2'],
  ['let y = 1;\nlet z = Math.hypot(3, 4) + Math.pow(2, y);', 'src/a.ts:2 Math.hypot,src/a.ts:2 Math.pow'],
  ["const y = Math['cos'](x);", "src/a.ts:1 Math['cos']"],
  ['const { sin } = Math;', 'src/a.ts:1 { sin } = Math'],
  ['const y = x ** 2;', 'src/a.ts:1 x ** 2'],
  ['const y = 2 ** 0.5;', 'src/a.ts:1 2 ** 0.5'],
  ['const y = 2 ** (n / 12);', 'src/a.ts:1 2 ** (n / 12)'],
  ['x **= 2;', 'src/a.ts:1 **='],
])('finds %j', (script, found) => {
  expect(findInexactMath(new Map([['src/a.ts', script]])).join()).toBe(found);
});

it('finds them in the script of a component', () => {
  const component = '<script lang="ts">\n  const y = Math.tanh(x);\n</script>\n<p>Math.exp(1)</p>';
  expect(findInexactMath(new Map([['src/A.svelte', component]]))).toEqual(['src/A.svelte:2 Math.tanh']);
});

it('lets what every engine computes to the bit pass', () => {
  const script = `
    // Math.exp(x), x ** 2
    const y = Math.sqrt(Math.PI * Math.abs(x)) + 2 ** 20 + 2 ** -14 + 2 ** (n - 1) + 2 ** Math.ceil(n / 2);
    const text = 'Math.exp(x)';
    import * as exactMath from './exact-math.ts';
    const z = exactMath.exp(y) + other.Math;
  `;
  expect(findInexactMath(new Map([['src/a.ts', script]]))).toEqual([]);
});
