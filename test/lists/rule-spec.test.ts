import { describe, expect, it } from 'vitest';
import { formatRules, isRuleName, parseRules } from '../../src/lists/rule-spec.ts';

describe('rules as text', () => {
  it('reads back what it writes', () => {
    const text = 'rank<=20@bm25, teacher-rank<=1, share<=0.95@llama-3/8b, length>=5, length<=20';
    expect(formatRules(parseRules(text))).toBe(text);
    expect(formatRules(parseRules([' Share <= .950 @ bm25 ', 'margin>=1e-2', '']))).toBe(
      'share<=0.95@bm25, margin>=0.01',
    );
  });

  it.each([
    ['', /there are no rules/],
    ['share', /"share": is not a rule.*share<=0\.95/],
    ['shar<=0.9', /there is no rule "shar"\. Did you mean share/],
    ['quality>=1', /there is no rule "quality"\. Use one of share, margin/],
    ['share>=0.9', /">=" does not fit share\. Use share<=0\.9/],
    ['share=0.9', /"share=0\.9": is not a rule|does not fit/],
    ['margin>0.1', /">" does not fit margin\. Use margin>=0\.1/],
    ['share<=', /"" is not a threshold of share\. Use a number from 0 to 100/],
    ['share<=95%', /"95%" is not a threshold/],
    ['share<=-1', /"-1" is not a threshold/],
    ['length>=2.5', /Use a whole number from 1/],
    ['percentile>=101', /from 0 to 100/],
    ['share<=0.9@', /no source follows @/],
    ['length>=2@bm25', /applies to whole lists.*Remove @bm25/],
    ['share<=0.9, share<=0.90', /"share<=0\.9" is used twice/],
  ])('refuses %s', (text, message) => {
    expect(() => parseRules(text)).toThrow(message);
  });

  it('knows the names of its own verdicts', () => {
    expect(['share<=0.1', 'margin>=3@x', 'length<=2'].every(isRuleName)).toBe(true);
    expect(isRuleName('model-label>=2') && isRuleName('answers<=0@bm25')).toBe(true);
    expect(['hand', 'share', 'share>=0.1', 'label-by-model', 'quality>=2'].some(isRuleName)).toBe(false);
  });
});
