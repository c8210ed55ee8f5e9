import type { ListDocument } from '../../corpus/types.ts';
import { TokenSets, tokenJaccard, type TokenSet } from '../../retrieval/token-overlap.ts';
import type { Verdict } from '../verdicts.ts';
import type { PassageRuleDefinition } from './contract.ts';
import { shortNumber } from './positive-score.ts';

const threshold = { min: 0, max: 1 };

export const positiveOverlap: PassageRuleDefinition = {
  name: 'positive-overlap',
  bound: '<=',
  judges: 'passages',
  keeps: 'passages whose word overlap with each positive is at most T (Jaccard)',
  threshold,
  prepare: (most) => {
    const words = new TokenSets();
    return ({ positives, others }) => {
      const sets = positives.map((document) => withWords(document, words));
      return (at) => judgeOverlap(withWords(others[at] as ListDocument, words), sets, most);
    };
  },
};

export const negativeOverlap: PassageRuleDefinition = {
  name: 'negative-overlap',
  bound: '<=',
  judges: 'passages',
  keeps: 'passages whose word overlap with each passage kept before them in the list is at most T (Jaccard)',
  threshold,
  prepare: (most) => {
    const words = new TokenSets();
    return ({ others }) => {
      const sets = others.map((document) => withWords(document, words));
      const kept: DocumentWords[] = [];
      let next = 0;
      return (at) => {
        // Those in between are of sources that are not judged: they stay.
        kept.push(...sets.slice(next, at));
        next = at + 1;
        const own = sets[at] as DocumentWords;
        const verdict = judgeOverlap(own, kept, most);
        if (verdict === 'keep') kept.push(own);
        return verdict;
      };
    };
  },
};

interface DocumentWords {
  readonly id: string;
  readonly words: TokenSet;
}

function withWords({ id, text }: ListDocument, words: TokenSets): DocumentWords {
  return { id, words: words.of(text) };
}

function judgeOverlap(own: DocumentWords, others: readonly DocumentWords[], most: number): Verdict {
  for (const { id, words } of others) {
    const overlap = tokenJaccard(own.words, words);
    if (overlap > most) return `drop: shares ${shortNumber(overlap)} of its words with ${id}`;
  }
  return 'keep';
}
