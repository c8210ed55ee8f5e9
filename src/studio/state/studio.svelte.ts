import type { DroppedItem } from '../dropped-files.ts';
import { InputError } from '../../core/errors.ts';
import type { ComputeFacts, KeepProgress, KeptItem, KeptRun, ModelDownload } from '../protocol.ts';
import { persistStorage } from '../window/storage.ts';
import { TrainingClient, type TrainingClientOptions } from '../window/training-client.ts';
import { Deletions } from './deletions.svelte.ts';
import { forgetFinished, noteFinished } from './finished-runs.ts';
import { readPreference, writePreference } from './preferences.ts';
import { problemOf, type Problem } from './problem.ts';
import { RunLocks } from './run-locks.svelte.ts';
import { RunView, type RunHost } from './run-view.svelte.ts';
import type { StudioClient } from './studio-client.ts';

export const deviceChoices = ['auto', 'wasm', 'webgpu'] as const;
export type DeviceChoice = (typeof deviceChoices)[number];

type OpenClient = (options: TrainingClientOptions) => Promise<StudioClient>;

const openWorker: OpenClient = (options) => TrainingClient.open(options);
const mostWarnings = 5;

/**
 * What all screens share: the worker, what it computes with, what is kept, and the training that runs. The worker
 * brings megabytes of WASM with it, and is opened when it is first needed.
 */
export class Studio implements RunHost {
  compute = $state.raw<ComputeFacts | undefined>();
  isOpening = $state(false);
  /** Why the worker could not be opened. */
  problem = $state.raw<Problem | undefined>();
  warnings = $state.raw<readonly string[]>([]);
  /** What the user has just deleted, and may still want back. */
  readonly deletions = new Deletions(() => this.active === undefined);
  /** The training that computes or is held. */
  active = $state.raw<RunView | undefined>();
  /** What the last visit left unfinished: a run's id. */
  unfinished = $state<string | undefined>(readPreference('unfinished'));
  #device = $state<DeviceChoice>(
    deviceChoices.find((device) => device === readPreference('device')) ?? 'auto',
  );
  readonly #openClient: OpenClient;
  readonly #views = new Map<string, RunView>();
  readonly #locks = new RunLocks();
  #runs = $state.raw<readonly KeptRun[] | undefined>();
  #kept = $state.raw<readonly KeptItem[]>([]);
  readonly #shownRuns = $derived(this.#runs?.filter(({ runId }) => !this.deletions.hides(runId)));
  readonly #shownKept = $derived(this.#kept.filter(({ id }) => !this.deletions.hides(id)));
  #client: Promise<StudioClient> | undefined;
  /** The run that the worker has open. */
  #openRunId: string | undefined;

  constructor(openClient: OpenClient = openWorker) {
    this.#openClient = openClient;
  }

  /** Undefined until they are read. */
  get runs(): readonly KeptRun[] | undefined {
    return this.#shownRuns;
  }

  set runs(runs: readonly KeptRun[] | undefined) {
    this.#runs = runs;
  }

  get kept(): readonly KeptItem[] {
    return this.#shownKept;
  }

  set kept(kept: readonly KeptItem[]) {
    this.#kept = kept;
  }

  get device(): DeviceChoice {
    return this.#device;
  }

  /** Another device takes another worker. Not while a training runs. */
  async chooseDevice(device: DeviceChoice): Promise<void> {
    this.#device = device;
    writePreference('device', device === 'auto' ? undefined : device);
    const open = this.#client;
    this.#client = undefined;
    this.compute = undefined;
    this.#openRunId = undefined;
    await open?.then((client) => client.close()).catch(() => undefined);
    await this.open();
  }

  /** Opens the worker, if it is not open. What keeps it from opening is told in `problem`. */
  async open(): Promise<void> {
    try {
      await this.client();
    } catch {
      // Told in `problem`.
    }
  }

  /** Tests whether the device repeats a training step to the bit. @throws InputError while a training runs */
  async testDevice(): Promise<void> {
    this.compute = await (await this.client()).testDevice();
  }

  async modelDownloads(recipe: KeptRun['recipe']): Promise<readonly ModelDownload[]> {
    return (await this.client()).modelDownloads(recipe);
  }

  client(): Promise<StudioClient> {
    this.#client ??= this.#start();
    return this.#client;
  }

  async #start(): Promise<StudioClient> {
    this.isOpening = true;
    this.problem = undefined;
    try {
      const client = await this.#openClient({
        device: this.#device,
        version: __STUDIO_VERSION__,
        base: new URL('./', document.baseURI).href,
        onWarning: (text) => this.#warn(text),
        onCompute: (facts) => {
          this.compute = facts;
          this.#openRunId = undefined;
        },
      });
      this.compute = client.compute;
      // What another tab runs is not offered, not even for a moment.
      await this.#locks.look();
      this.runs = await client.runs();
      this.kept = await client.kept();
      return client;
    } catch (error) {
      this.#client = undefined;
      this.problem = problemOf(error);
      throw error;
    } finally {
      this.isOpening = false;
    }
  }

  /** What the page shows of a run: one object for each, whatever screen shows it. */
  view(runId: string, recipe: KeptRun['recipe']): RunView {
    const known = this.#views.get(runId);
    if (known !== undefined && JSON.stringify(known.recipe) === JSON.stringify(recipe)) return known;
    const view = new RunView(runId, recipe, this);
    this.#views.set(runId, view);
    return view;
  }

  /** A run that is kept; undefined if there is none of that id. */
  keptView(runId: string): RunView | undefined {
    const kept = this.runs?.find((run) => run.runId === runId);
    return kept === undefined ? this.#views.get(runId) : this.view(runId, kept.recipe);
  }

  /**
   * Shows a run that is noted as finished, from the store. The note may be older than the store: then it is forgotten,
   * nothing is computed and nobody is told of an error.
   * @returns whether the run is shown
   */
  async showNoted(view: RunView): Promise<boolean> {
    await this.open();
    if (this.problem !== undefined || this.active !== undefined || view.isElsewhere) return false;
    const kept = this.runs?.find(({ runId }) => runId === view.runId);
    if (kept?.state === 'finished') await view.show();
    if (view.state === 'finished') return true;
    // What another device or version has computed would be computed again; its results screen says what that takes.
    if (view.problem === undefined) forgetFinished(view.runId);
    return false;
  }

  /** Whether another tab of this browser runs it. */
  isElsewhere(runId: string): boolean {
    return this.#locks.elsewhere.has(runId);
  }

  /** Keeps an eye on what other tabs run. @returns what ends it */
  watchTabs(): () => void {
    return this.#locks.watch(() => {
      this.unfinished = this.active === undefined ? readPreference('unfinished') : undefined;
      if (this.#client !== undefined) void this.refreshRuns();
    });
  }

  /**
   * The run computes from now on: one at a time, in one tab, and the next visit offers to go on with it.
   * @returns false where another tab runs it: nothing may compute then
   */
  async begin(view: RunView): Promise<boolean> {
    this.active = view;
    if (!(await this.#locks.take(view.runId))) {
      this.active = undefined;
      return false;
    }
    this.unfinished = undefined;
    writePreference('unfinished', view.runId);
    void persistStorage();
    return true;
  }

  /** @param isSettled it finished, or the user canceled it: nothing to offer at the next visit */
  async end(view: RunView, isSettled: boolean): Promise<void> {
    if (this.active === view) this.active = undefined;
    if (isSettled) writePreference('unfinished', undefined);
    if (view.state === 'finished') noteFinished(view.runId);
    this.#openRunId = isSettled ? view.runId : undefined;
    // It can be started again from now on, here or in another tab.
    this.#locks.release(view.runId);
    if (this.#client !== undefined) await this.refreshRuns();
    // A worker that could not be opened: the training says so, with a way on.
    else if (view.problem !== undefined) this.problem = undefined;
  }

  /** Whether the worker has this run open, so that it can be searched and exported. */
  hasOpen(runId: string): boolean {
    return this.#openRunId === runId;
  }

  dismissUnfinished(): void {
    this.unfinished = undefined;
    writePreference('unfinished', undefined);
  }

  async refreshRuns(): Promise<void> {
    try {
      const client = await this.client();
      this.runs = await client.runs();
      // A run may have downloaded a language model.
      this.kept = await client.kept();
    } catch (error) {
      this.#warn(problemOf(error).text);
    }
  }

  /** @throws the signal's reason when it is aborted: then nothing is kept */
  async keep(
    item: DroppedItem,
    signal?: AbortSignal,
    onProgress?: (progress: KeepProgress) => void,
  ): Promise<KeptItem> {
    const client = await this.client();
    const kept = await client.keep(item, signal, onProgress);
    this.kept = await client.kept();
    return kept;
  }

  /**
   * Deletes a kept item; for ten seconds the user can undo it.
   * @param own what the screen does when it is deleted for good, or is there again
   */
  deleteKept({ id, name }: KeptItem, own: { onDeleted?: () => void; onUndo?: () => void } = {}): void {
    const commit = async (): Promise<void> => {
      await this.forgetKept(id);
      own.onDeleted?.();
    };
    this.deletions.ask({ id, name, commit, undo: own.onUndo });
  }

  /** Deletes a run; for ten seconds the user can undo it. */
  deleteRun({ runId, recipe }: KeptRun): void {
    this.deletions.ask({ id: runId, name: recipe.name, commit: () => this.forgetRun(runId) });
  }

  async forgetKept(itemId: string): Promise<void> {
    const client = await this.client();
    await client.forgetKept(itemId);
    this.kept = await client.kept();
  }

  /** @throws InputError if another tab runs it */
  async forgetRun(runId: string): Promise<void> {
    const client = await this.client();
    if (!(await this.#locks.take(runId))) {
      throw new InputError('the training runs in another tab of this browser', { remedy: 'Cancel it there' });
    }
    try {
      await client.forgetRun(runId);
    } finally {
      this.#locks.release(runId);
    }
    this.#views.delete(runId);
    forgetFinished(runId);
    if (this.#openRunId === runId) this.#openRunId = undefined;
    if (readPreference('unfinished') === runId) this.dismissUnfinished();
    this.runs = await client.runs();
  }

  dismissWarning(text: string): void {
    this.warnings = this.warnings.filter((each) => each !== text);
  }

  #warn(text: string): void {
    if (this.warnings.includes(text)) return;
    this.warnings = [...this.warnings, text].slice(-mostWarnings);
  }
}
