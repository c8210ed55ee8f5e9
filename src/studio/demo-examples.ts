/** What keyword search and the untrained encoder find for four queries: shown before anything is downloaded. */
import type { DemoSearch, FirstSystem } from './demo-search.ts';
import type { FoundPassage } from './protocol.ts';

/** Of the train and dev splits, so that no test query is looked at; two favor each system. */
export const exampleQueries = [
  'My hips rock side to side while pedaling, is the saddle too high?',
  'Why does bran make whole wheat bread rise less?',
  'flying saucer clouds that hover motionless over mountains in strong wind',
  'Why do tulips have to go in the ground before winter?',
] as const;

/** A passage as a list shows it. */
export type ListedPassage = Pick<FoundPassage, 'id' | 'text' | 'rank' | 'grade'>;

export interface FoundList {
  readonly system: string;
  readonly passages: readonly ListedPassage[];
}

interface StoredPassage {
  readonly id: string;
  readonly grade: number | null;
}

/** As it is stored: each text once. */
export interface StoredExamples {
  readonly texts: Readonly<Record<string, string>>;
  readonly examples: readonly {
    readonly query: string;
    /** The best first; the grade is null where nobody judged. */
    readonly found: Readonly<Record<FirstSystem, readonly StoredPassage[]>>;
  }[];
}

/** @param search with its encoder */
export async function makeExamples(search: DemoSearch): Promise<StoredExamples> {
  const texts = new Map<string, string>();
  const examples: StoredExamples['examples'][number][] = [];
  for (const query of exampleQueries) {
    const { queryId, found } = await search.search(query);
    if (queryId === undefined) throw new Error(`"${query}" is no judged query of the demo corpus`);
    const listOf = (system: FirstSystem): StoredPassage[] => {
      const passages = found.find((each) => each.system === system)?.passages ?? [];
      for (const { id, text } of passages) texts.set(id, text);
      return passages.map(({ id, grade }) => ({ id, grade: grade ?? null }));
    };
    examples.push({ query, found: { bm25: listOf('bm25'), untrained: listOf('untrained') } });
  }
  return { texts: Object.fromEntries([...texts].sort(([a], [b]) => (a < b ? -1 : 1))), examples };
}
