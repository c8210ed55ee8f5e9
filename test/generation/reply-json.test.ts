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

  it('is looked for in time that a page can spare', () => {
    const started = performance.now();
    expect(findJson('[{'.repeat(100_000))).toBeUndefined();
    expect(findJson('{"a":'.repeat(50_000))).toBeUndefined();
    expect(findJson('``` '.repeat(50_000))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
