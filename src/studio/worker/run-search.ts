import type { Embedder } from '../../encoders/embedder.ts';
import { openEmbedder } from '../../encoders/open-embedder.ts';
import { vocabularyCover } from '../../encoders/vocabulary-cover.ts';
import { leastCover } from '../../pipeline/training-warnings.ts';
import type { EncoderModel } from '../../encoders/types.ts';
import type { Runtime, WorkerPool } from '../../host/contract.ts';
import { InputError } from '../../core/errors.ts';
import type { RecipeJob } from '../../pipeline/job.ts';
import type { RankedDocument } from '../../retrieval/ranking.ts';
import { VectorIndex } from '../../retrieval/vectors.ts';
import type { FoundPassage, SearchAnswer } from '../protocol.ts';

/** Tells that so many passages of the corpus are embedded. */
export type OnIndexing = (system: string, done: number, total: number) => void;

/** A query's best passages by one system. */
interface Searcher {
  search(query: string, k: number): Promise<readonly RankedDocument[]>;
  close(): Promise<void>;
}

const leastWords = 3;

/** Searches the corpus of a run for what somebody types. Where the run has kept no
 * vectors of a system, they are made for its first query. */
export class RunSearch {
  readonly #runtime: Runtime;
  readonly #job: RecipeJob;
  readonly #pool: WorkerPool | undefined;
  readonly #searchers = new Map<string, Searcher>();

  /** @param pool searches vectors; without one the search runs here */
  constructor(runtime: Runtime, job: RecipeJob, pool?: WorkerPool) {
    this.#runtime = runtime;
    this.#job = job;
    this.#pool = pool;
  }

  /** @throws InputError for a system that there is not, or not yet */
  async search(
    query: string,
    systems: readonly string[],
    k: number,
    onIndexing: OnIndexing,
  ): Promise<SearchAnswer> {
    const { corpus } = this.#job;
    const text = query.trim();
    if (text === '') throw new InputError('the query is empty', { remedy: 'Type a few words' });
    const known = corpus.test.queries.find((each) => each.text.trim() === text);
    const found = [];
    for (const system of systems) {
      const searcher = await this.#searcher(system, onIndexing);
      found.push({ system, passages: await this.describe(text, await searcher.search(text, k)) });
    }
    return { queryId: known?.id, found, ...this.#foreignTo(text) };
  }

  /** Ranked passages with their texts, and their grades where the query is a judged one of any split that was read. */
  async describe(query: string, documents: readonly RankedDocument[]): Promise<readonly FoundPassage[]> {
    const { test, dev, train, passages } = this.#job.corpus;
    const text = query.trim();
    const grades = [test, dev, train]
      .map((split) => {
        const known = split?.queries.find((each) => each.text.trim() === text);
        return known && split?.judgments.get(known.id);
      })
      .find((judged) => judged !== undefined);
    const texts = await passages.textsOf(new Set(documents.map(({ id }) => id)));
    return documents.map(({ id, score, rank }) => ({
      ...{ id, text: texts.get(id) ?? '', score, rank },
      grade: grades?.get(id),
    }));
  }

  /** Of a word or two, nobody can tell the language. */
  #foreignTo(query: string): Pick<SearchAnswer, 'foreignTo'> {
    const { name, tokenizer } = this.#job.graph.encoder.model;
    const words = query.split(/\s+/).length;
    const cover = words < leastWords ? undefined : vocabularyCover(tokenizer, [query]);
    return cover !== undefined && cover < leastCover ? { foreignTo: name } : {};
  }

  async close(): Promise<void> {
    for (const searcher of this.#searchers.values()) await searcher.close();
    this.#searchers.clear();
  }

  async #searcher(system: string, onIndexing: OnIndexing): Promise<Searcher> {
    const known = this.#searchers.get(system);
    if (known !== undefined) return known;
    const made =
      system === 'bm25'
        ? await this.#bm25()
        : await this.#dense(system, (done, total) => onIndexing(system, done, total));
    this.#searchers.set(system, made);
    return made;
  }

  async #bm25(): Promise<Searcher> {
    const index = await this.#job.bm25();
    return {
      search: (query, k) => Promise.resolve(index.search(query, k)),
      close: () => Promise.resolve(),
    };
  }

  async #modelOf(system: string): Promise<EncoderModel> {
    const { graph } = this.#job;
    const { recipe } = graph;
    if (system === 'untrained') return graph.modelOf(recipe.training);
    const arm = recipe.arms.find(({ name }) => name === system);
    const [seed] = recipe.seeds;
    if (arm === undefined || seed === undefined) {
      const systems = ['bm25', 'untrained', ...recipe.arms.map(({ name }) => name)];
      throw new InputError(`there is no system "${system}" to search with`, {
        remedy: `Choose one of ${systems.join(', ')}`,
      });
    }
    if (!this.#job.isTrained(system)) {
      throw new InputError(`${system} is not trained yet`, { remedy: 'Run the training to its end first' });
    }
    return this.#job.trainedModel(system, seed);
  }

  async #dense(system: string, onProgress: (done: number, total: number) => void): Promise<Searcher> {
    const model = await this.#modelOf(system);
    const embedder = await openEmbedder(this.#runtime, model);
    const close = (): Promise<void> => embedder.close();
    try {
      const index = this.#job.vectorsOf(system) ?? (await this.#index(embedder, onProgress));
      return {
        search: async (query, k) => (await index.search(await embedder.embed([query], 'query'), k))[0] ?? [],
        close,
      };
    } catch (error) {
      await close();
      throw error;
    }
  }

  async #index(embedder: Embedder, onProgress: (done: number, total: number) => void): Promise<VectorIndex> {
    const ids: string[] = [];
    const texts: string[] = [];
    for await (const { id, text } of this.#job.corpus.passages.read()) {
      ids.push(id);
      texts.push(text);
    }
    const vectors = await embedder.embed(texts, 'passage', { onProgress });
    return new VectorIndex(ids, vectors, embedder.dimensions, this.#pool);
  }
}
