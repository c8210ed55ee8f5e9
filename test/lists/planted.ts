import type { ListDocument, ListRecord } from '../../src/corpus/types.ts';
import { RandomStream } from '../../src/core/random.ts';

/**
 * Lists in which true positives hide among the negatives, as they do in mined ones, and are known to us: in each of
 * `queries` lists a gold passage; two answers labeled 0, of which one (`…-copy`) repeats most of the gold passage's
 * words and the other (`…-answer`) says it in other words; and 17 passages on the topic that do not answer. The
 * teacher sees relevance through noise: 0.75 ± 0.08 for answers, 0.5 ± 0.12 for the others.
 */
export function plantedLists(queries: number, seed: number): readonly ListRecord[] {
  return Array.from({ length: queries }, (_, i) => {
    const random = new RandomStream(seed, 'planted', i);
    const words = (count: number): string[] =>
      Array.from({ length: count }, () => `w${random.integer(5000)}`);
    const topic = words(10);
    const passage = (own: readonly string[]): string => random.shuffle([...topic, ...own]).join(' ');
    const score = (isAnswer: boolean): number =>
      isAnswer ? 0.75 + 0.08 * random.normal() : 0.5 + 0.12 * random.normal();
    const gold = [...topic, ...words(30)];
    const negative = (id: string, text: string, isAnswer: boolean): ListDocument => ({
      id: `${i}-${id}`,
      text,
      label: 0,
      source: 'bm25',
      teacher: score(isAnswer),
    });
    const negatives = [
      negative('copy', random.shuffle([...gold.slice(0, 37), ...words(3)]).join(' '), true),
      negative('answer', passage(words(30)), true),
      ...Array.from({ length: 17 }, (_, n) => negative(`other${n}`, passage(words(30)), false)),
    ];
    return {
      query_id: `q${i}`,
      query: topic.slice(0, 5).join(' '),
      documents: [
        { id: `${i}-gold`, text: gold.join(' '), label: 1, teacher: score(true), source: 'gold' },
        ...random.shuffle(negatives).map((document, n) => ({ ...document, rank: n + 1 })),
      ],
    };
  });
}

export function isPlanted({ id }: Pick<ListDocument, 'id'>): boolean {
  return /-(copy|answer)$/.test(id);
}
