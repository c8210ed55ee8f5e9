import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJson } from '../../src/generation/reply-json.ts';

describe('the JSON of a reply', () => {
  it.each([
    ['alone', '{"a": 1}'],
    ['in a fence', '```json\n{"a": 1}\n```'],
    ['in a fence with words around it', 'Here you are:\n```\n{"a": 1}\n```\nAnything else?'],
    ['in words', 'Sure! {"a": 1} I hope that helps.'],
    ['after brackets in words', 'As [1] says {of note}: {"a": 1}'],
    ['after thoughts', '<think>maybe {"a": 2}?</think>\n\n{"a": 1}'],
    ['after thoughts whose beginning the server has taken away', 'so {"a": 2}.\n</think>{"a": 1}'],
    ['with a fence that is never closed', '```json\n{"a": 1}'],
  ])('is found %s', (_, reply) => {
    expect(findJson(reply)).toEqual({ value: { a: 1 } });
  });

  it.each([
    ['nothing', ''],
    ['prose', 'I cannot do that.'],
    ['a bare number', '42'],
    ['a torn object', '{"a": [1, 2'],
    ['thoughts alone', '<think>{"a": 1}'],
    ['an object with a comma too many', '{"a": 1,}'],
  ])('is not found in %s', (_, reply) => {
    expect(findJson(reply)).toBeUndefined();
  });

  it('is found whole, whatever it holds and whatever stands around it', () => {
    const words = fc.string({ unit: fc.constantFrom('a', ' ', '"', '.', '\n', '`') });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), words, words, (value, before, after) => {
        const json = JSON.stringify(value);
        expect(findJson(`${before.replaceAll('`', '')} ${json} ${after}`)).toEqual({
          value: JSON.parse(json) as unknown,
        });
      }),
    );
  });

  it('is the first object of which a whole stretch is JSON', () => {
    const anyOf = fc.constantFrom(
      ...Array.from('{}[],:"\\ua1-. \n'),
      '{"a":',
      '"a"',
      '1e5',
      'true',
      '\\u00e9',
      '{}',
    );
    fc.assert(
      fc.property(fc.string({ unit: anyOf, maxLength: 30 }), (text) => {
        // A letter at each end: it is not JSON as a whole.
        const reply = `a ${text} a`;
        expect(findJson(reply)).toEqual(firstObjectByTrial(reply));
      }),
      { numRuns: 3000 },
    );
  });

  it('is looked for in the first million characters', () => {
    const json = '{"a": 1}';
    expect(findJson('x'.repeat(999_000) + json)).toEqual({ value: { a: 1 } });
    expect(findJson('x'.repeat(1_000_000) + json)).toBeUndefined();
    expect(findJson(json + ' '.repeat(5_000_000))).toEqual({ value: { a: 1 } });
  });
});

describe('the search for JSON takes time in proportion to the length, in', () => {
  it.each<[string, (length: number) => string]>([
    ['a fence that is never closed', (length) => '```json' + 'a'.repeat(length)],
    ['fences', (length) => '``` '.repeat(length / 4)],
    ['braces', (length) => '{'.repeat(length)],
    ['lists of objects', (length) => '[{'.repeat(length / 2)],
    ['objects in objects', (length) => '{"a":'.repeat(length / 5)],
    ['closed objects in one with a comma too many', (length) => nested(length / 6, ',')],
    ['a list that is not closed', (length) => `{"a":[${'1,'.repeat(length / 2)}`],
    ['braces within strings', (length) => '{"a{":"'.repeat(length / 7)],
    ['strings that look like objects from within', (length) => '{"a":"{","b":"'.repeat(length / 14)],
    ['a string of braces', (length) => `{"${'{'.repeat(length)}`],
    ['objects with escapes', (length) => '{"\\u0041\\'.repeat(length / 9)],
    ['thoughts', (length) => '<think>'.repeat(length / 7)],
    ['white space', (length) => `{${' '.repeat(length)}`],
    ['backslashes', (length) => '\\'.repeat(length)],
    ['digits', (length) => `{"a":${'1'.repeat(length)}`],
  ])('%s', (_, make) => {
    const secondsFor = (length: number): number => {
      const reply = make(length);
      const startedAt = performance.now();
      expect(findJson(reply)).toBeUndefined();
      return (performance.now() - startedAt) / 1000;
    };
    const [short, long] = [secondsFor(100_000), secondsFor(1_000_000)];
    // Ten times the length: 10 where it is linear, 100 where it is quadratic. The rest is for a busy machine.
    expect(long).toBeLessThan(20 * short + 1);
  });
});

/** Objects each within the next, the innermost spoiled. */
function nested(depth: number, spoiler: string): string {
  const whole = Math.floor(depth);
  return `${'{"a":'.repeat(whole)}{${spoiler}}${'}'.repeat(whole)}`;
}

function firstObjectByTrial(text: string): { readonly value: unknown } | undefined {
  for (let start = text.indexOf('{'); start !== -1; start = text.indexOf('{', start + 1)) {
    for (let end = start + 1; end <= text.length; end++) {
      try {
        return { value: JSON.parse(text.slice(start, end)) as unknown };
      } catch {
        // Not whole yet, or never.
      }
    }
  }
  return undefined;
}
