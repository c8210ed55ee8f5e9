/**
 * One open store, as others see it: while it lives, it holds a Web Lock of its name, which the browser frees when the
 * tab or worker ends, however it ends.
 */
export class StoreSession {
  readonly id = crypto.randomUUID();
  readonly #prefix: string;
  #held: Promise<void> | undefined;
  #release: (() => void) | undefined;

  /** @param database The name of the database that it works on. */
  constructor(database: string) {
    this.#prefix = `${database}/session/`;
  }

  /** Resolves when others can see that this session lives. To be awaited before it pins anything. */
  hold(): Promise<void> {
    this.#held ??= new Promise((resolve, reject) => {
      const untilReleased = new Promise<void>((release) => (this.#release = release));
      navigator.locks
        .request(this.#prefix + this.id, () => {
          resolve();
          return untilReleased;
        })
        .catch(reject);
    });
    return this.#held;
  }

  /** Those of the sessions that have ended. All must have been seen in the database before the call. */
  async dead(sessions: Iterable<string>): Promise<Set<string>> {
    const { held = [] } = await navigator.locks.query();
    const living = new Set(held.map(({ name }) => name));
    return new Set([...sessions].filter((id) => !living.has(this.#prefix + id)));
  }

  end(): void {
    this.#release?.();
  }
}
