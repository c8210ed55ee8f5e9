import { own } from '../../core/own.ts';
import storedExamples from '../demo-examples.json' with { type: 'json' };
import type { FoundList, ListedPassage, StoredExamples } from '../demo-examples.ts';
import type { DemoCalls, DemoPlace, DemoSizes, StepRate } from '../demo-protocol.ts';
import { demoRecipe } from '../demo-recipe.ts';
import { demoEstimate } from '../demo-estimate.ts';
import type { TimeRange } from '../../pipeline/time-left.ts';
import { openDemoWorker, type DemoClient } from '../window/demo-client.ts';
import { firstPaint, idle, savesData } from '../window/quiet-moments.ts';
import { problemOf, type Problem } from './problem.ts';

/** Of what is fetched: nothing happens yet, it is on its way, it can be used, or it could not be loaded. */
export type PartState = 'waiting' | 'loading' | 'ready' | 'failed';

const { texts, examples }: StoredExamples = storedExamples;

/** What keyword search and the untrained encoder find for the example queries, without any download. */
export const exampleLists: ReadonlyMap<string, readonly FoundList[]> = new Map(
  examples.map(({ query, found }) => [
    query,
    Object.entries(found).map(([system, passages]) => ({
      system,
      passages: passages.map(({ id, grade }, i): ListedPassage => ({
        ...{ id, rank: i + 1, text: own(texts, id) ?? '' },
        grade: grade ?? undefined,
      })),
    })),
  ]),
);

/** What the first screen finds in the demo corpus before anything is trained, and what a training would take. */
export class DemoSearchView {
  corpus = $state<PartState>('waiting');
  encoder = $state<PartState>('waiting');
  /** Why the corpus, or the encoder, could not be loaded. */
  problem = $state.raw<{ readonly part: 'corpus' | 'encoder'; readonly problem: Problem } | undefined>();
  /** Bytes of the encoder that have arrived. */
  received = $state(0);
  query = $state<string>([...exampleLists.keys()][0] ?? '');
  lists = $state.raw<readonly FoundList[]>([...exampleLists.values()][0] ?? []);
  /** Of the query whose lists are shown. */
  answered = $state<string>([...exampleLists.keys()][0] ?? '');
  isJudged = $state(true);
  isSearching = $state(false);
  sizes = $state.raw<DemoSizes | undefined>();
  /** Of a training on this computer; undefined until it is measured. */
  seconds = $state.raw<TimeRange | undefined>();
  /** Whether the encoder is fetched only when it is asked for. */
  readonly savesData: boolean;
  readonly #open: () => DemoClient;
  #client: DemoClient | undefined;
  #started: Promise<void> | undefined;
  #corpusOpening: Promise<boolean> | undefined;
  #encoderOpening: Promise<boolean> | undefined;
  /** Of the last search. */
  #turn = 0;
  /** While a training fetches the same files. */
  #isHeld = false;

  constructor(open: () => DemoClient = openDemoWorker) {
    this.#open = open;
    this.savesData = savesData();
  }

  /** Loads what is searched, once the page has been drawn. */
  start(): Promise<void> {
    return (this.#started ??= this.#begin());
  }

  async #begin(): Promise<void> {
    await firstPaint();
    if (!(await this.openCorpus())) {
      // Whoever asks again begins again.
      this.#started = undefined;
      return;
    }
    // What draws the page would slow the measurement.
    await idle();
    await this.#measure();
    await idle();
    if (!this.savesData && !this.#isHeld) await this.openEncoder();
  }

  /** Bytes that a training would have to load from now on; undefined where they are not known. */
  get bytesLeft(): number | undefined {
    if (this.sizes?.training === undefined) return undefined;
    const { corpus, encoder, training } = this.sizes;
    return training + (this.corpus === 'ready' ? 0 : corpus) + (this.encoder === 'ready' ? 0 : encoder);
  }

  /** A training begins, and fetches what is not here: nothing is fetched twice. */
  hold(): void {
    this.#isHeld = true;
  }

  /** The training has its files, and so has the browser. */
  async release(): Promise<void> {
    this.#isHeld = false;
    if (this.#started === undefined || !(await this.openCorpus())) return;
    await this.openEncoder();
  }

  /** @returns whether the corpus can be searched */
  openCorpus(): Promise<boolean> {
    return (this.#corpusOpening ??= this.#load('corpus'));
  }

  /** @returns whether the encoder can be searched with, which needs the corpus */
  openEncoder(): Promise<boolean> {
    return (this.#encoderOpening ??= this.#load('encoder'));
  }

  /** Loads again what could not be loaded. */
  async retry(): Promise<void> {
    const part = this.problem?.part;
    this.problem = undefined;
    if (part === 'encoder') await this.openEncoder();
    else await this.search(this.query);
  }

  /** Shows an example at once; searches for anything else, as soon as the corpus is here. */
  async search(text: string): Promise<void> {
    const query = text.trim();
    const turn = ++this.#turn;
    if (query === '') return;
    void this.start();
    const stored = exampleLists.get(query);
    if (stored !== undefined) {
      this.isSearching = false;
      this.#show(query, stored, true);
      return;
    }
    this.isSearching = true;
    try {
      if (!(await this.openCorpus())) return;
      const { found, queryId } = await this.#ask('searchDemo', { query });
      if (turn !== this.#turn) return;
      this.#show(query, found, queryId !== undefined);
    } catch (error) {
      if (turn === this.#turn) this.problem = { part: 'corpus', problem: problemOf(error) };
    } finally {
      if (turn === this.#turn) this.isSearching = false;
    }
  }

  #show(query: string, lists: readonly FoundList[], isJudged: boolean): void {
    this.answered = query;
    this.lists = lists;
    this.isJudged = isJudged;
  }

  async #load(part: 'corpus' | 'encoder'): Promise<boolean> {
    const received = new Map<string, number>();
    this[part] = 'loading';
    try {
      await this.#ask(part === 'corpus' ? 'openDemoCorpus' : 'openDemoEncoder', place(), (progress) => {
        received.set(progress.file, progress.receivedBytes);
        if (part === 'encoder') this.received = [...received.values()].reduce((sum, bytes) => sum + bytes, 0);
      });
      this[part] = 'ready';
      if (this.problem?.part === part) this.problem = undefined;
      // A typed query was answered by keyword search alone.
      if (part === 'encoder' && !exampleLists.has(this.answered)) void this.search(this.answered);
      return true;
    } catch (error) {
      this[part] = 'failed';
      this.problem = { part, problem: problemOf(error) };
      if (part === 'corpus') this.#corpusOpening = undefined;
      else this.#encoderOpening = undefined;
      return false;
    }
  }

  /** What it takes to train here. Without an answer the button says nothing of it. */
  async #measure(): Promise<void> {
    try {
      this.sizes = await this.#ask('demoSizes', place());
      const rate: StepRate | null = await this.#ask('measureStep', {});
      this.seconds = demoEstimate(demoRecipe, rate);
    } catch {
      // Whatever is wrong with the worker, a search tells.
    }
  }

  #ask<Call extends keyof DemoCalls>(
    call: Call,
    ask: DemoCalls[Call]['ask'],
    onProgress?: (progress: { readonly file: string; readonly receivedBytes: number }) => void,
  ): Promise<DemoCalls[Call]['answer']> {
    if (this.#client === undefined || this.#client.hasEnded) {
      this.#client = this.#open();
      // Another worker has nothing of what one that was lost had.
      this.#corpusOpening = undefined;
      this.#encoderOpening = undefined;
    }
    return this.#client.ask(call, ask, onProgress === undefined ? {} : { onProgress });
  }
}

function place(): DemoPlace {
  return { base: new URL('./', document.baseURI).href, model: demoRecipe.encoder.model };
}

/** One for the visit: what is loaded stays when another screen is shown. */
let shared: DemoSearchView | undefined;
export function demoSearch(): DemoSearchView {
  return (shared ??= new DemoSearchView());
}
