import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';
import { markdownParagraph, shortMessage } from '../../src/core/other-text.ts';

describe('markdownParagraph', () => {
  it.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['[here](javascript:alert(1))', '\\[here\\](javascript:alert(1))'],
    ['![](https://x.test/a.png)', '!\\[\\](https://x.test/a.png)'],
    ['&lt;b&gt; & co', '&amp;lt;b&amp;gt; &amp; co'],
    ['one\n\n# two\n```\nthree', 'one \\# two \\`\\`\\` three'],
    ['- a list', '\\- a list'],
    ['1. a list', '1\\. a list'],
    ['===', '\\==='],
    ['a | b ~~c~~ $d$ __e__ *f*', 'a \\| b \\~\\~c\\~\\~ \\$d\\$ \\_\\_e\\_\\_ \\*f\\*'],
    ['turned \u202e and \x1b[31m red', 'turned  and \\[31m red'],
    ['می‌خواهم 👩‍🔬', 'می‌خواهم 👩‍🔬'],
  ])('writes %j as text', (text, markdown) => {
    expect(markdownParagraph(text)).toBe(markdown);
  });
});

describe('shortMessage', () => {
  it('cuts long values, and leaves the words between them', () => {
    const words = 'there are many words between two values that are quoted '.repeat(6);
    expect(shortMessage(`"a" ${words}"b"`)).toBe(`"a" ${words}"b"`);
    expect(shortMessage(`is "${'x'.repeat(10_000)}", not a number`)).toBe(
      `is "${'x'.repeat(79)}…", not a number`,
    );
    expect(shortMessage(`is ${'x'.repeat(10_000)}, not`)).toBe(`is ${'x'.repeat(80)}… not`);
  });

  it('leaves no half character', () => {
    expect(shortMessage(`"${'😀'.repeat(5000)}"`)).not.toMatch(/\p{Cs}/u);
  });

  it('is what an error about input says of its problem and its remedy, whatever file it names', () => {
    const file = `/${'folder/'.repeat(60)}file.jsonl`;
    const error = new InputError(`the value "${'x'.repeat(10_000)}" is no number`, {
      remedy: `Use one of ${'y '.repeat(5000)}`,
      file,
    });
    expect(error.message).toContain(file);
    expect(error.message.length).toBeLessThan(file.length + 2500);
    expect(error.problem.length).toBeLessThan(150);
  });
});
