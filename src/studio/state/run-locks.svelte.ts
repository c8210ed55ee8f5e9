const prefix = 'retriever-studio/run/';
/** Between two looks at what other tabs run, in milliseconds. */
const lookEvery = 1000;

/**
 * Which experiments run in which tab. A tab holds a Web Lock for each that it runs; the browser frees it when the tab
 * ends, however it ends, and does not freeze a tab that holds one.
 */
export class RunLocks {
  /** The ids of those that other tabs run. */
  elsewhere = $state.raw<ReadonlySet<string>>(new Set());
  readonly #own = new Map<string, () => void>();
  /** Of each that this tab has held: when the browser has freed it, which is a moment after its release. */
  readonly #freed = new Map<string, Promise<void>>();

  /** Holds an experiment for this tab. @returns false where another tab runs it */
  async take(runId: string): Promise<boolean> {
    if (!this.#own.has(runId)) await this.#freed.get(runId);
    const isOurs = await new Promise<boolean>((resolve, reject) => {
      const freed = navigator.locks
        .request(prefix + runId, { ifAvailable: true }, (lock) => {
          if (lock === null) {
            resolve(false);
            return undefined;
          }
          return new Promise<void>((release) => {
            this.#own.set(runId, release);
            this.#freed.set(runId, freed);
            resolve(true);
          });
        })
        .catch(reject);
    });
    if (!isOurs) await this.look();
    return isOurs;
  }

  release(runId: string): void {
    this.#own.get(runId)?.();
    this.#own.delete(runId);
  }

  /** Finds out what other tabs run now. @returns whether that has changed */
  async look(): Promise<boolean> {
    const { held = [] } = await navigator.locks.query();
    const running = held.flatMap(({ name }) =>
      name?.startsWith(prefix) === true ? [name.slice(prefix.length)] : [],
    );
    const found = new Set(running.filter((runId) => !this.#own.has(runId)));
    if (found.size === this.elsewhere.size && [...found].every((runId) => this.elsewhere.has(runId)))
      return false;
    this.elsewhere = found;
    return true;
  }

  /** Looks again and again: Web Locks tell nobody that they are free. @returns what ends it */
  watch(onChange: () => void): () => void {
    const look = (): void => {
      void this.look().then((hasChanged) => {
        if (hasChanged) onChange();
      });
    };
    const timer = setInterval(look, lookEvery);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }
}
