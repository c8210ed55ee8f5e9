import type { EncodingOverrides } from '../../encoders/types.ts';
import { builtInModels } from '../../host/built-in-models.ts';
import type { FailedModel, ModelComparison } from '../../pipeline/compare-models.ts';
import type { TimeRange } from '../../pipeline/time-left.ts';
import type { ComparisonEvent, KeptItem } from '../protocol.ts';
import { bytesText } from '../words/bytes.ts';
import { problemOf, type Problem } from './problem.ts';
import type { StudioClient } from './studio-client.ts';

/** What is compared on which queries. */
export interface ComparedOn {
  readonly corpus: KeptItem;
  readonly split: string;
  readonly encoding: EncodingOverrides;
}

type ComparisonState = 'idle' | 'running' | 'stopping' | 'canceled' | 'finished' | 'failed';

/** Encoders that are compared as they are, before one is chosen to be trained. */
export class ModelsOnTrial {
  /** Built-in names, ids of kept folders, hub ids. */
  chosen = $state.raw<readonly string[]>(builtInModels.map(({ name }) => name));
  /** Hub ids that the user has added, chosen or not. */
  hubIds = $state.raw<readonly string[]>([]);
  /** What it does now, for people. */
  activity = $state('');
  secondsLeft = $state.raw<TimeRange | undefined>();
  problem = $state.raw<Problem | undefined>();
  failed = $state.raw<readonly FailedModel[]>([]);
  #state = $state<ComparisonState>('idle');
  #comparison = $state.raw<ModelComparison | undefined>();
  #on = $state.raw<string | undefined>();
  #stop = new AbortController();

  get isUnderWay(): boolean {
    return this.#state === 'running' || this.#state === 'stopping';
  }

  /** Of the comparison on these queries: what another corpus has given is not shown. */
  stateOn(on: ComparedOn): ComparisonState {
    return this.isUnderWay || this.#on === nameOf(on) ? this.#state : 'idle';
  }

  resultOn(on: ComparedOn): ModelComparison | undefined {
    return this.#on === nameOf(on) ? this.#comparison : undefined;
  }

  choose(model: string, isChosen: boolean): void {
    const others = this.chosen.filter((each) => each !== model);
    this.chosen = isChosen ? [...others, model] : others;
  }

  /** Adds a model of the hub, chosen. */
  add(hubId: string): void {
    if (!this.hubIds.includes(hubId)) this.hubIds = [...this.hubIds, hubId];
    this.choose(hubId, true);
  }

  /** A kept folder is deleted. */
  forget(itemId: string): void {
    this.choose(itemId, false);
  }

  async start(client: () => Promise<StudioClient>, on: ComparedOn): Promise<void> {
    if (this.isUnderWay) return;
    this.#stop = new AbortController();
    this.#on = nameOf(on);
    this.#state = 'running';
    this.#comparison = undefined;
    this.secondsLeft = undefined;
    this.problem = undefined;
    this.failed = [];
    this.activity = 'Reading the corpus';
    const { corpus, split, encoding } = on;
    const choices = { corpus: { folder: corpus.id, split }, models: this.chosen, encoding };
    try {
      const hear = (event: ComparisonEvent): void => this.#hear(event);
      const outcome = await (await client()).compareModels(choices, hear, this.#stop.signal);
      this.#comparison = outcome.state === 'finished' ? outcome.comparison : undefined;
      this.#state = outcome.state;
    } catch (error) {
      this.problem = problemOf(error);
      this.#state = 'failed';
    }
  }

  cancel(): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.#stop.abort();
  }

  #hear(event: ComparisonEvent): void {
    switch (event.kind) {
      case 'download': {
        const { file, receivedBytes, totalBytes } = event;
        const of = totalBytes === undefined ? '' : ` of ${bytesText(totalBytes)}`;
        this.activity = `Downloading ${file}: ${bytesText(receivedBytes)}${of}`;
        break;
      }
      case 'progress': {
        const { label, done, total } = event;
        const far = total === 0 ? '' : `: ${Math.floor((100 * done) / total)} %`;
        this.activity = `${label}${far}`;
        this.secondsLeft = event.secondsLeft;
        break;
      }
      case 'failed':
        this.failed = [...this.failed, event.failed];
        break;
    }
  }
}

function nameOf({ corpus, split, encoding }: ComparedOn): string {
  return JSON.stringify([corpus.id, split, encoding]);
}
