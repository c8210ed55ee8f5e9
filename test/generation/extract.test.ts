import { describe, expect, it } from 'vitest';
import { extractClauses, extractKeywords } from '../../src/generation/extract.ts';
import { ExtractGenerator } from '../../src/generation/extract-generator.ts';
import { fillPrompt, makeRequest } from '../../src/generation/fill-prompt.ts';
import { withCount } from '../../src/generation/prompt.ts';
import { extractedClauses, extractedKeywords } from '../../src/generation/prompts/extracted.ts';
import { ReplyReader } from '../../src/generation/read-reply.ts';
import { RandomStream } from '../../src/core/random.ts';

const passage =
  'Carpenter bees bore nests into bare softwood; they chew but do not eat it, and paint, hard sealants, or a plug ' +
  'after the brood has left keep them from returning. Well-known cures (soap and water) do little.';
const draw = (seed: number): RandomStream => new RandomStream(seed, 'test');

describe('extracted queries', () => {
  it('are clauses in the words of the passage, other ones for other seeds, the same for the same', () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) {
      const clauses = extractClauses(passage, 2, draw(seed));
      expect(clauses).toEqual(extractClauses(passage, 2, draw(seed)));
      expect(new Set(clauses).size).toBe(2);
      for (const clause of clauses) {
        expect(passage).toContain(clause);
        expect(clause).not.toMatch(/[.;,()]/);
        const words = clause.split(' ').length;
        expect(words).toBeGreaterThanOrEqual(4);
        expect(words).toBeLessThanOrEqual(12);
        seen.add(clause);
      }
    }
    expect(seen).toContain('Carpenter bees bore nests into bare softwood');
    expect(seen.size).toBe(3);
  });

  it('are keywords of the passage in its order, without stop words or repetitions', () => {
    const order = passage.toLowerCase();
    for (let seed = 0; seed < 50; seed++) {
      const lines = extractKeywords(passage, 2, draw(seed));
      expect(new Set(lines).size).toBe(2);
      for (const line of lines) {
        const words = line.split(' ');
        expect(words.length).toBeGreaterThanOrEqual(3);
        expect(words.length).toBeLessThanOrEqual(5);
        expect(new Set(words).size).toBe(words.length);
        expect(words.some((word) => ['and', 'the', 'it', 'not'].includes(word))).toBe(false);
        const places = words.map((word) => order.indexOf(word));
        expect(places).toEqual([...places].sort((a, b) => a - b));
      }
    }
  });

  it('come of every passage: one word, no punctuation, another script, stop words alone', () => {
    expect(extractClauses('Honey', 2, draw(1))).toEqual(['Honey']);
    expect(extractKeywords('Honey', 2, draw(1))).toEqual(['honey']);
    const long = Array.from({ length: 40 }, (_, i) => `word${i}`).join(' ');
    for (const clause of extractClauses(long, 2, draw(3))) expect(clause.split(' ')).toHaveLength(12);
    expect(extractClauses('蜜蜂采集花蜜，蜂蜜会结晶。', 2, draw(1)).length).toBeGreaterThan(0);
    expect(extractKeywords('this is it', 2, draw(1))).toEqual([]);
  });
});

describe('the generator extract', () => {
  const generator = new ExtractGenerator();

  it('answers its prompts with as many items as are asked for, and the same to the same request', async () => {
    for (const asked of [extractedClauses, withCount(extractedClauses, 3), withCount(extractedKeywords, 3)]) {
      const filled = fillPrompt(asked, { passage }, 0);
      const request = await makeRequest(asked, filled, 7);
      const reply = await generator.generate(request);
      expect(await generator.generate(request)).toEqual(reply);
      const read = new ReplyReader(asked).read(reply, { passage }, filled.schema);
      if (!('items' in read)) throw new Error(read.error);
      expect(read.items).toHaveLength(asked.count);
    }
  });

  it('refuses other prompts, and says which ones it answers', async () => {
    const asked = { id: 'x', messages: [{ role: 'user' as const, content: 'Write a query.' }] };
    await expect(generator.generate({ ...asked, sampling: { maxTokens: 9 }, seed: 0 })).rejects.toThrow(
      'Use extract-clauses or extract-keywords, or a language model',
    );
  });
});
