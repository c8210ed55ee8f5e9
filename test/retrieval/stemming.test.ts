import { describe, expect, it } from 'vitest';
import { createAnalyzer } from '../../src/retrieval/analyzer.ts';

const analyzer = createAnalyzer('english');
const stem = (word: string): string => analyzer.analyze(word).join(' ');

/** The examples of Porter's paper, run through all steps. */
const steps: Record<string, string> = {
  '1a': 'caresses caress, ponies poni, ties ti, caress caress, cats cat',
  '1b': 'feed feed, agreed agre, plastered plaster, bled bled, motoring motor, sing sing',
  '1b, tidied':
    'conflated conflat, troubled troubl, sized size, hopping hop, tanned tan, falling fall, hissing hiss, fizzed fizz, failing fail, filing file',
  '1c': 'happy happi, sky sky',
  '2': 'relational relat, conditional condit, rational ration, valenci valenc, hesitanci hesit, digitizer digit, conformabli conform, radicalli radic, differentli differ, vileli vile, analogousli analog, vietnamization vietnam, predication predic, operator oper, feudalism feudal, decisiveness decis, hopefulness hope, callousness callous, formaliti formal, sensitiviti sensit, sensibiliti sensibl',
  '3': 'triplicate triplic, formative form, formalize formal, electriciti electr, electrical electr, hopeful hope, goodness good',
  '4': 'revival reviv, allowance allow, inference infer, airliner airlin, gyroscopic gyroscop, adjustable adjust, defensible defens, irritant irrit, replacement replac, adjustment adjust, dependent depend, adoption adopt, homologou homolog, communism commun, activate activ, angulariti angular, homologous homolog, effective effect, bowdlerize bowdler',
  '5': 'probate probat, rate rate, cease ceas, controll control, roll roll',
};

describe('the English analyzer', () => {
  it.each(Object.entries(steps))("stems the examples of step %s of Porter's paper", (_, examples) => {
    for (const example of examples.split(', ')) {
      const [word = '', expected = ''] = example.split(' ');
      expect(`${word} ${stem(word)}`).toBe(`${word} ${expected}`);
    }
  });

  it('goes through several steps', () => {
    expect(stem('generalizations')).toBe('gener');
    expect(stem('oscillators')).toBe('oscil');
  });

  it("keeps the departures of Porter's own programs", () => {
    expect(stem('us ms')).toBe('us ms');
    expect(stem('eed eeds ies')).toBe('eed eed i');
    expect(stem('possibly')).toBe('possibl');
    expect(stem('apology')).toBe('apolog');
  });

  it('tells y the vowel from y the consonant', () => {
    expect(stem('syzygy')).toBe('syzygi');
    expect(stem('toys')).toBe('toi');
    expect(stem('yes')).toBe('ye');
  });

  it('leaves words without a vowel or a suffix alone', () => {
    for (const word of ['mrna', 'il6', 'β', 'naïve', '3.5']) {
      expect(stem(word)).toBe(word === 'naïve' ? 'naïv' : word);
    }
  });
});
