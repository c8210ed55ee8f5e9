/** The demo corpus with keyword search and the untrained encoder: what can be searched before anything is trained. */
import type { FileTree } from '../core/source.ts';
import { readBeir } from '../corpus/beir.ts';
import { passageText } from '../corpus/documents.ts';
import { readEncoder } from '../encoders/read-encoder.ts';
import { TableEmbedder } from '../encoders/table-embedder.ts';
import { rowsOf } from '../encoders/token-table.ts';
import type { ModelFolder } from '../host/contract.ts';
import { Bm25Builder, type Bm25Index } from '../retrieval/bm25.ts';
import type { RankedDocument } from '../retrieval/ranking.ts';
import { VectorIndex } from '../retrieval/vectors.ts';
import type { SearchAnswer } from './protocol.ts';

/** As reports name them. */
export type FirstSystem = 'bm25' | 'untrained';

const splits = ['train', 'dev', 'test'];
/** All that is read of the corpus. */
export const searchedFiles = [
  'corpus.jsonl',
  'queries.jsonl',
  ...splits.map((split) => `qrels/${split}.tsv`),
];

interface JudgedQuery {
  readonly id: string;
  readonly grades: ReadonlyMap<string, number>;
}

/** Lets others use the thread. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

export class DemoSearch {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #judged: ReadonlyMap<string, JudgedQuery>;
  readonly #bm25: Bm25Index;
  #dense: ((query: string, k: number) => Promise<readonly RankedDocument[]>) | undefined;

  /**
   * Reads corpus, queries and judgments and indexes the corpus with BM25.
   * @throws InputError naming the file and the remedy
   */
  static async open(files: FileTree): Promise<DemoSearch> {
    // Beside each other: a server far away takes its time for each.
    await Promise.all(searchedFiles.map((path) => files.open(path)));
    const judged = new Map<string, JudgedQuery>();
    const texts = new Map<string, string>();
    for (const split of splits) {
      const data = await readBeir(files, { split });
      for (const { id, text } of data.queries) {
        judged.set(text.trim(), { id, grades: data.judgments.get(id) ?? new Map<string, number>() });
      }
      if (texts.size > 0) continue;
      for await (const document of data.documents()) texts.set(document.id, passageText(document));
    }
    const builder = new Bm25Builder();
    for (const [id, text] of texts) builder.add(id, text);
    return new DemoSearch(texts, judged, builder.finish());
  }

  private constructor(
    texts: ReadonlyMap<string, string>,
    judged: ReadonlyMap<string, JudgedQuery>,
    bm25: Bm25Index,
  ) {
    this.#texts = texts;
    this.#judged = judged;
    this.#bm25 = bm25;
  }

  get passages(): number {
    return this.#texts.size;
  }

  /**
   * Reads a static encoder and embeds the corpus; from then on `untrained` can be searched.
   * @throws InputError naming the file and the remedy
   */
  async addEncoder(folder: ModelFolder): Promise<void> {
    const model = await readEncoder(folder);
    const rows = rowsOf(model);
    const embedder = new TableEmbedder({ turn }, model, () => rows);
    const vectors = await embedder.embed([...this.#texts.values()], 'passage');
    const index = new VectorIndex([...this.#texts.keys()], vectors, embedder.dimensions);
    this.#dense = async (query, k) =>
      (await index.search(await embedder.embed([query], 'query'), k))[0] ?? [];
  }

  /** The best passages by each system that is there, with the grades of a judged query. */
  async search(query: string, k = 10): Promise<SearchAnswer> {
    const text = query.trim();
    const judged = this.#judged.get(text);
    const listed = (system: FirstSystem, documents: readonly RankedDocument[]) => ({
      system,
      passages: documents.map((document) => ({
        ...document,
        text: this.#texts.get(document.id) ?? '',
        grade: judged?.grades.get(document.id),
      })),
    });
    const found = [listed('bm25', this.#bm25.search(text, k))];
    if (this.#dense !== undefined) found.push(listed('untrained', await this.#dense(text, k)));
    return { queryId: judged?.id, found };
  }
}
