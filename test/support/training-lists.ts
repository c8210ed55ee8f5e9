import { formatList, type ListFormat } from '../../src/corpus/lists.ts';
import type { ListRecord } from '../../src/corpus/types.ts';
import { RandomStream } from '../../src/core/random.ts';

const words =
  'what is the protein of cell light heat and water gene rates caused by a virus bone blood study how'.split(
    ' ',
  );

/** Lists that can be learned: the positive repeats the query's words among others. */
export function makeLists(count: number): ListRecord[] {
  const stream = new RandomStream(5, 'lists');
  const text = (length: number): string =>
    Array.from({ length }, () => words[stream.integer(words.length)]!).join(' ');
  return Array.from({ length: count }, (_, i) => {
    const query = text(3);
    return {
      query_id: `q${i}`,
      query,
      documents: [
        {
          id: `p${i}`,
          text: `${text(2)} ${query} ${text(1 + stream.integer(6))}`,
          label: 1,
          teacher: 0.9,
          source: 'gold',
        },
        { id: `n${i}`, text: text(4 + stream.integer(8)), label: 0, teacher: 0.3, source: 'bm25' },
        { id: `m${i}`, text: text(4 + stream.integer(8)), label: 0, teacher: 0.1, source: 'bm25' },
      ],
    };
  });
}

/** Lists as the text of a file. */
export function listFile(lists: readonly ListRecord[], format: ListFormat = 'studio'): string {
  return lists
    .flatMap((list) => formatList(list, format))
    .map((line) => `${line}\n`)
    .join('');
}
