import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/core/errors.ts';

describe('InputError', () => {
  it('is one line of printable characters, whatever it quotes', () => {
    const { message, problem, remedy, file } = new InputError('holds \u001b[31m"a\nb"', {
      file: 'x\u202e.jsonl',
      line: 3,
      remedy: 'Did you mean c\u0007\u2028',
    });
    expect(message).toBe('x\\u{202e}.jsonl:3: holds \\u{1b}[31m"a\\u{a}b". Did you mean c\\u{7}\\u{2028}.');
    expect([problem, remedy]).toEqual(['holds \\u{1b}[31m"a\\u{a}b"', 'Did you mean c\\u{7}\\u{2028}']);
    // What opens it again needs its real name.
    expect(file).toBe('x\u202e.jsonl');
  });

  it('cuts what repeats a whole value of a file', () => {
    const { message } = new InputError(`is "${'x'.repeat(1e6)}"`, {
      file: 'z'.repeat(1e6),
      remedy: 'y'.repeat(1e6),
    });
    expect(message.length).toBeLessThan(5000);
  });

  it('stays as it is when its problem is told again', () => {
    const first = new InputError(`\u0000${'x'.repeat(5000)}`, { remedy: 'z' });
    const again = new InputError(first.problem, { remedy: first.remedy });
    expect(again.message).toBe(first.message);
  });
});
