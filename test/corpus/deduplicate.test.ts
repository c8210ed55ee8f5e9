import { describe, expect, it } from 'vitest';
import { deduplicate, normalizeForDeduplication } from '../../src/corpus/deduplicate.ts';
import { readBeir } from '../../src/corpus/beir.ts';
import { openTree } from '../../src/host/node/files.ts';
import { realData } from '../support/data.ts';
import { collect } from './support.ts';
import { itUnless } from '../support/skip.ts';

describe('deduplicate', () => {
  it('normalizes as the paper does', () => {
    expect(normalizeForDeduplication('  Café №12:\tTHE “End”—of_ﬁne ')).toBe('cafe no the endoffine');
  });

  it('drops short texts, beginnings and endings, and keeps the first of equal texts', () => {
    const texts = [
      'A passage about trains and rails.',
      'too short',
      'a passage about trains and rails 2',
      'A passage about trains',
      'trains and rails!',
      'Something else altogether',
    ];
    expect(deduplicate(texts)).toEqual({ kept: [0, 5], tooShort: 1, prefixes: 2, suffixes: 1 });
  });

  it('compares with the nine that follow, not more', () => {
    const kept = (between: number): number => {
      const fillers = Array.from({ length: between }, (_, i) => `nnn filler ${'abcdefghi'.charAt(i)} tt`);
      return deduplicate(['middle words', ...fillers, 'zz middle words zz']).kept.length - between;
    };
    expect(kept(8)).toBe(1);
    expect(kept(9)).toBe(2);
  });

  const scifact = realData('datasets/scifact');
  itUnless(scifact.missing, 'drops none of scifact, as the paper reports', async () => {
    const dataset = await readBeir(await openTree(scifact.path));
    const documents = await collect(dataset.documents());
    const { kept } = deduplicate(documents.map(({ text }) => text));
    expect(kept).toHaveLength(5183);
  });
});
