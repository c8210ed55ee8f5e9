import type { DatasetFacts, DatasetProgress } from '../benchmark-protocol.ts';
import type { ImportOutcome } from '../import-protocol.ts';
import { problemOf, type Problem } from './problem.ts';
import type { Studio } from './studio.svelte.ts';

export const DEFAULT_HUB = 'https://huggingface.co/';

/** What is downloaded without another question, as a multiple of what was said before. */
const EXPECTED = 2;

export type ImportedDataset = Extract<ImportOutcome, { readonly state: 'finished' }>;

/** A data set of a hub on its way to a kept corpus: its list is asked for, and its files are downloaded and imported. */
export class DatasetImport {
  /** Address of the hub. */
  hub = $state(DEFAULT_HUB);
  /** What was asked for last. */
  dataset = $state('');
  /**
   * `looking`: the hub is asked for its list; `asking`: the user is, for it is larger than was said, or nothing was;
   * `loading`: it is downloaded and imported.
   */
  state = $state<'idle' | 'looking' | 'asking' | 'loading'>('idle');
  facts = $state.raw<DatasetFacts | undefined>();
  progress = $state.raw<DatasetProgress | undefined>();
  problem = $state.raw<Problem | undefined>();
  isCanceled = $state(false);
  #cancel = new AbortController();

  get isBusy(): boolean {
    return this.state === 'looking' || this.state === 'loading';
  }

  /** What is asked, as people know it. */
  get host(): string {
    return URL.canParse(this.hub) ? new URL(this.hub).host : this.hub;
  }

  /**
   * Asks for a data set's list, and downloads it where it has the size that was said.
   * @param megabytes that were said
   * @returns undefined where nothing was imported: it was canceled, refused, or the user is asked first
   */
  async begin(
    dataset: string,
    megabytes: number | undefined,
    studio: Studio,
  ): Promise<ImportedDataset | undefined> {
    if (this.isBusy) return undefined;
    this.dataset = dataset;
    this.facts = undefined;
    return this.#during('looking', async (signal) => {
      const looked = await (await studio.client()).lookAtDataset(this.#choice, signal);
      if (looked.state === 'canceled') return undefined;
      this.facts = looked.facts;
      const most = (megabytes ?? 0) * 1e6 * EXPECTED;
      if (looked.facts.bytes === undefined || looked.facts.bytes > most) {
        this.state = 'asking';
        return undefined;
      }
      return this.#load(studio, signal);
    });
  }

  /** Downloads what was looked at. */
  async confirm(studio: Studio): Promise<ImportedDataset | undefined> {
    if (this.state !== 'asking') return undefined;
    return this.#during('loading', (signal) => this.#load(studio, signal));
  }

  /** At every moment; nothing is kept. */
  cancel(): void {
    this.#cancel.abort();
    this.isCanceled = this.isBusy;
    this.state = 'idle';
    this.facts = undefined;
    this.progress = undefined;
    this.problem = undefined;
  }

  get #choice() {
    return { dataset: this.dataset, hub: this.hub };
  }

  async #load(studio: Studio, signal: AbortSignal): Promise<ImportedDataset | undefined> {
    this.state = 'loading';
    const client = await studio.client();
    const outcome = await client.importDataset(this.#choice, signal, (progress) => {
      if (!signal.aborted) this.progress = progress;
    });
    if (outcome.state === 'finished' && signal.aborted) {
      // It was kept before the worker heard of the end.
      const isOlder = studio.kept.some(({ id }) => id === outcome.item.id);
      if (!isOlder) await client.forgetKept(outcome.item.id);
      return undefined;
    }
    studio.kept = await client.kept();
    return outcome.state === 'canceled' ? undefined : outcome;
  }

  async #during(
    state: 'looking' | 'loading',
    task: (signal: AbortSignal) => Promise<ImportedDataset | undefined>,
  ): Promise<ImportedDataset | undefined> {
    const cancel = (this.#cancel = new AbortController());
    this.state = state;
    this.problem = undefined;
    this.isCanceled = false;
    try {
      return await task(cancel.signal);
    } catch (error) {
      if (!cancel.signal.aborted) this.problem = problemOf(error);
      return undefined;
    } finally {
      // It may be another's turn by now.
      if (this.#cancel === cancel) {
        if (this.isBusy) this.state = 'idle';
        this.progress = undefined;
      }
    }
  }
}
