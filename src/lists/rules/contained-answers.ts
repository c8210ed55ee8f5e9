import { createAnalyzer } from '../../retrieval/analyzer.ts';
import type { PassageRuleDefinition } from './contract.ts';

/**
 * A passage that holds an answer, word for word, is likely to be a positive. Texts are compared as sequences of words
 * in lower case, without punctuation.
 */
export const containedAnswers: PassageRuleDefinition = {
  name: 'answers',
  bound: '<=',
  judges: 'passages',
  keeps: "passages that contain at most T of the query's answers, verbatim",
  origin: '0 in DPR (arXiv 2004.04906)',
  reads: 'answers',
  threshold: { min: 0, max: 1000, isWhole: true },
  prepare: (most) => {
    const analyzer = createAnalyzer('plain');
    const wordsOf = (text: string): string => ` ${analyzer.analyze(text).join(' ')} `;
    return ({ record, others }) => {
      if (record.answers === undefined) return () => 'skip: the list has no answers';
      const answers = record.answers.map((text) => ({ text, words: wordsOf(text) }));
      const usable = answers.filter(({ words }) => words.trim() !== '');
      return (at) => {
        const words = wordsOf(others[at]?.text ?? '');
        const held = usable.filter((answer) => words.includes(answer.words));
        if (held.length <= most) return 'keep';
        return `drop: holds ${held.map(({ text }) => JSON.stringify(text)).join(', ')}`;
      };
    };
  },
};
