/** What recipes read, read once for all of them: for who plans a recipe anew with each change. */
import type { ModelLibrary } from '../encoders/model-library.ts';
import type { EncodingOverrides } from '../encoders/types.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { ModelFiles } from '../host/contract.ts';
import { EncoderShelf, type ShelvedEncoder } from './encoder-shelf.ts';
import { holdOut, type HeldOut } from './held-out.ts';
import {
  readCorpus,
  type CorpusParts,
  type ReadCorpusOptions,
  type RecipeCorpus,
  type RecipeFiles,
} from './recipe-corpus.ts';

/** How a job reads what its recipe names. */
export interface Reading {
  readonly shelf: EncoderShelf;
  corpus(settings: CorpusParts): Promise<RecipeCorpus>;
  readonly holdOut: typeof holdOut;
}

/** Reads anew for each job. */
export function readingOf(
  { models, library }: { readonly models: ModelFiles; readonly library?: ModelLibrary | undefined },
  files: RecipeFiles,
  options: ReadCorpusOptions = {},
): Reading {
  return {
    shelf: new EncoderShelf(models, library),
    corpus: (settings) => readCorpus(settings, files, options),
    holdOut,
  };
}

/** So many ways to split a corpus are held at a time. */
const mostSplits = 4;

/** Reads each thing once. Only of the corpus that was asked for last is anything held. */
export class ReadOnce implements Reading {
  readonly shelf: EncoderShelf;
  readonly #files: RecipeFiles;
  #place = '';
  readonly #corpora = new Map<string, Promise<RecipeCorpus>>();
  readonly #heldOut = new WeakMap<RecipeCorpus, Map<string, Promise<HeldOut>>>();

  /** @param isHere whether a model can be read without a download; another is told from its name alone */
  constructor(
    { models, library }: { readonly models: ModelFiles; readonly library?: ModelLibrary | undefined },
    files: RecipeFiles,
    isHere: (model: string) => boolean,
  ) {
    this.shelf = new ShelfWithoutDownloads(models, library, isHere);
    this.#files = files;
  }

  async corpus(settings: CorpusParts): Promise<RecipeCorpus> {
    const { folder, builtIn, titles, train, dev, test, fold } = settings;
    const place = JSON.stringify([folder, builtIn, titles]);
    if (place !== this.#place) this.#corpora.clear();
    this.#place = place;
    const devSplit = dev !== null && 'split' in dev ? dev.split : null;
    const testSplit = typeof test === 'string' ? test : null;
    const key = JSON.stringify([place, train, devSplit, testSplit, fold]);
    const known = this.#corpora.get(key);
    if (known !== undefined) return known;
    const [another] = this.#corpora.values();
    const reading = this.#read(settings, another);
    this.#corpora.set(key, reading);
    // What could not be read is read anew when it is asked for again.
    reading.catch(() => this.#corpora.delete(key));
    const [oldest] = this.#corpora.keys();
    if (this.#corpora.size > mostSplits && oldest !== undefined) this.#corpora.delete(oldest);
    return reading;
  }

  async #read(settings: CorpusParts, another: Promise<RecipeCorpus> | undefined): Promise<RecipeCorpus> {
    const passages = (await another?.catch(() => undefined))?.passages;
    return readCorpus(settings, this.#files, passages?.inMemory === true ? { passages } : {});
  }

  readonly holdOut: typeof holdOut = (settings, corpus, fileLists, devFile, sets) => {
    const isOfCorpus =
      fileLists.length === 0 && devFile === undefined && sets?.test === undefined && sets?.dev === undefined;
    if (!isOfCorpus) return holdOut(settings, corpus, fileLists, devFile, sets);
    const known = this.#heldOut.get(corpus) ?? new Map<string, Promise<HeldOut>>();
    this.#heldOut.set(corpus, known);
    const key = JSON.stringify(settings.dev);
    const held = known.get(key) ?? holdOut(settings, corpus, fileLists);
    known.set(key, held);
    held.catch(() => known.delete(key));
    return held;
  };
}

/** A model that would have to be downloaded stands as nano with the sizes that its name tells of. */
class ShelfWithoutDownloads extends EncoderShelf {
  readonly #isHere: (model: string) => boolean;

  constructor(models: ModelFiles, library: ModelLibrary | undefined, isHere: (model: string) => boolean) {
    super(models, library);
    this.#isHere = isHere;
  }

  override encoder(name: string, overrides: EncodingOverrides): Promise<ShelvedEncoder> {
    return this.#isHere(name) ? super.encoder(name, overrides) : this.#likeness(name, overrides);
  }

  override anyEncoder(name: string, overrides: EncodingOverrides): ReturnType<EncoderShelf['anyEncoder']> {
    return this.#isHere(name) ? super.anyEncoder(name, overrides) : this.#likeness(name, overrides);
  }

  async #likeness(name: string, overrides: EncodingOverrides): Promise<ShelvedEncoder> {
    const nano = await super.encoder('nano', overrides);
    const sizes = sizesOf(name);
    const model = {
      ...nano.model,
      name,
      shape: { ...nano.model.shape, ...sizes, intermediateSize: 4 * sizes.hiddenSize },
    };
    return { model, hash: canonicalJson({ name, encoding: { ...model.encoding } }), measuredBy: nano };
  }
}

/** Of models of the hub, as their names have it: MiniLM-L6 and the like, small, base, large. */
function sizesOf(name: string): {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
} {
  const layers = Number(/[-_]L-?(\d{1,2})(?!\d)/i.exec(name)?.[1] ?? Number.NaN);
  if (/large/i.test(name)) return { hiddenSize: 1024, layers: 24, heads: 16 };
  if (/base|mpnet/i.test(name)) return { hiddenSize: 768, layers: 12, heads: 12 };
  if (/small/i.test(name)) return { hiddenSize: 384, layers: 12, heads: 12 };
  return { hiddenSize: 384, layers: layers >= 1 && layers <= 48 ? layers : 6, heads: 12 };
}
