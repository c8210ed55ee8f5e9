import { openEmbedder } from '../../encoders/open-embedder.ts';
import type { Runtime } from '../../host/contract.ts';
import type { RecipeJob } from '../../pipeline/job.ts';
import { mapPoint, planeOf, type MapPlane, type View, type Watched } from '../../pipeline/step-gate.ts';
import { VectorIndex } from '../../retrieval/vectors.ts';
import { devEvaluation, devMeasures, keywordDevFigure } from '../../training/dev-evaluation.ts';
import type { Scene, WatchedView } from '../protocol.ts';
import type { RunSearch } from './run-search.ts';

/** Corpora above this many passages are not searched between steps: it would take as long as the steps. */
const mostPassages = 5000;

/** A corpus in which somebody watches a query while encoders train, and what the untrained encoder makes of it. */
export class WatchedCorpus {
  readonly scene: Scene;
  readonly #search: RunSearch;
  readonly #passages: Watched['passages'];
  readonly #untrained: VectorIndex;
  readonly #embedQuery: (query: string) => Promise<Float32Array>;
  readonly #plane: MapPlane;
  /** The untrained encoder's ranks, by query. */
  readonly #ranksBefore = new Map<string, ReadonlyMap<string, number>>();

  /** Undefined for a corpus that is too large. */
  static async open(runtime: Runtime, job: RecipeJob, search: RunSearch): Promise<WatchedCorpus | undefined> {
    const { corpus, graph } = job;
    if (corpus.passages.size > mostPassages) return undefined;
    const ids: string[] = [];
    const texts: string[] = [];
    for await (const { id, text } of corpus.passages.read()) {
      ids.push(id);
      texts.push(text);
    }
    const { training, evaluation } = graph.recipe;
    const embedder = await openEmbedder(runtime, graph.modelOf(training));
    const vectors = await embedder.embed(texts, 'passage');
    const plane = planeOf(vectors, embedder.dimensions);
    const points = new Float32Array(2 * ids.length);
    for (let row = 0; row < ids.length; row++) {
      const vector = vectors.subarray(row * embedder.dimensions, (row + 1) * embedder.dimensions);
      points.set(mapPoint(plane, vector), 2 * row);
    }
    const devLists = await job.devLists();
    const scene: Scene = {
      ids,
      points,
      dev: devLists && {
        queries: devLists.length,
        keywords: keywordDevFigure(devLists, evaluation.bm25),
        untrained: (await devEvaluation(devLists, 'dot')(embedder, 0))[devMeasures[0]] ?? 0,
      },
    };
    return new WatchedCorpus(scene, search, {
      ...{ passages: { ids, texts }, plane },
      untrained: new VectorIndex(ids, vectors, embedder.dimensions),
      embedQuery: (query) => embedder.embed([query], 'query'),
    });
  }

  private constructor(
    scene: Scene,
    search: RunSearch,
    parts: {
      readonly passages: Watched['passages'];
      readonly plane: MapPlane;
      readonly untrained: VectorIndex;
      readonly embedQuery: (query: string) => Promise<Float32Array>;
    },
  ) {
    this.scene = scene;
    this.#search = search;
    this.#passages = parts.passages;
    this.#plane = parts.plane;
    this.#untrained = parts.untrained;
    this.#embedQuery = parts.embedQuery;
  }

  /** What trainings are to watch. */
  async watch(query: string): Promise<Watched> {
    if (!this.#ranksBefore.has(query)) {
      const [ranked = []] = await this.#untrained.search(
        await this.#embedQuery(query),
        this.#passages.ids.length,
      );
      this.#ranksBefore.set(query, new Map(ranked.map(({ id, rank }) => [id, rank])));
    }
    return { query, passages: this.#passages, plane: this.#plane };
  }

  /** A view with its passages' texts and grades, and their ranks before the training. */
  async describe({ step, query, best, point, dev }: View): Promise<WatchedView> {
    const before = this.#ranksBefore.get(query);
    const ranked = best.map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
    const passages = await this.#search.describe(query, ranked);
    return {
      ...{ step, query, point, dev },
      passages: passages.map((passage) => ({ ...passage, rankBefore: before?.get(passage.id) })),
    };
  }
}
