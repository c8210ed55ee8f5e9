import type { CorpusProgress, CorpusRow, RowsChoice } from '../corpus-protocol.ts';
import { problemOf, type Problem } from './problem.ts';
import type { Studio } from './studio.svelte.ts';

const PAGE_ROWS = 50;
/** Of the pages, those that were seen last are held. */
const HELD_PAGES = 8;

/** Rows of a corpus or of lists as far as somebody looks at them: a page is asked for when it is in sight. */
export class CorpusRows {
  readonly choice: RowsChoice;
  /** Undefined until the first page is here. */
  total = $state<number | undefined>();
  progress = $state.raw<CorpusProgress | undefined>();
  problem = $state.raw<Problem | undefined>();
  isCanceled = $state(false);
  #pages = $state.raw<ReadonlyMap<number, readonly CorpusRow[]>>(new Map());
  /** What is in sight: the first and last of the pages. */
  #sight: readonly [first: number, last: number] = [0, 0];
  #isAsking = false;
  readonly #studio: Studio;
  readonly #cancel = new AbortController();

  constructor(choice: RowsChoice, studio: Studio) {
    this.choice = choice;
    this.#studio = studio;
  }

  /** Undefined while it is not here. */
  row(number: number): CorpusRow | undefined {
    return this.#pages.get(Math.floor(number / PAGE_ROWS))?.[number % PAGE_ROWS];
  }

  /** Asks for rows that are in sight, and for no others that were asked for before. */
  look(from: number, to: number): void {
    this.#sight = [Math.floor(from / PAGE_ROWS), Math.floor(Math.max(from, to - 1) / PAGE_ROWS)];
    void this.#ask();
  }

  /** Stops reading. What is shown stays. */
  cancel(): void {
    this.isCanceled = true;
    this.progress = undefined;
    this.#cancel.abort();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const client = await this.#studio.client();
      for (let page = this.#missing(); page !== undefined; page = this.#missing()) {
        const { signal } = this.#cancel;
        const tell = (progress: CorpusProgress): void => {
          if (!this.isCanceled) this.progress = progress;
        };
        const outcome = await client.corpusRows(this.choice, page * PAGE_ROWS, PAGE_ROWS, signal, tell);
        if (outcome.state === 'canceled') return;
        this.total = outcome.answer.total;
        this.#hold(page, outcome.answer.rows);
      }
    } catch (error) {
      if (!this.isCanceled) this.problem = problemOf(error);
    } finally {
      this.progress = undefined;
      this.#isAsking = false;
    }
  }

  #missing(): number | undefined {
    if (this.isCanceled || this.problem !== undefined) return undefined;
    const [first, last] = this.#sight;
    for (let page = first; page <= last; page++) {
      if (!this.#pages.has(page) && (this.total === undefined || page * PAGE_ROWS < this.total)) return page;
    }
    return undefined;
  }

  #hold(page: number, rows: readonly CorpusRow[]): void {
    const pages = new Map(this.#pages);
    pages.set(page, rows);
    for (const old of pages.keys()) {
      if (pages.size <= HELD_PAGES) break;
      if (old < this.#sight[0] || old > this.#sight[1]) pages.delete(old);
    }
    this.#pages = pages;
  }
}
